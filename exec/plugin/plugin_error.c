/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of plugins: a text for the operator, and the exit code. */
#include "exec/plugin/plugin_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int plugin_fail(struct plugin_error *error, int exit_code, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return -EINVAL;
	error->exit_code = exit_code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -EINVAL;
}
