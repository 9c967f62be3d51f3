/* SPDX-License-Identifier: BSD-3-Clause */
/* The reason why a file is refused. All files of exec/reload use this file, and it uses none of them. */
#include "exec/reload/reload_private.h"

#include <stdarg.h>
#include <stdio.h>

int reload_fail(struct reload_error *error, int rc, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return rc;
}
