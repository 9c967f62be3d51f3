/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/crypto/late_library.h"

#include "config.h"

#ifndef STATIC_BINARY

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "dlsym(3) returns addresses of functions, too");

bool late_library_load(const char *file, const struct late_function *functions, size_t count, char *error)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		snprintf(error, LATE_ERROR_SIZE, "%s", dlerror());
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		void *address = dlsym(library, functions[i].name);

		if (address == NULL) {
			snprintf(error, LATE_ERROR_SIZE, "%s has no function %s", file, functions[i].name);
			dlclose(library);
			return false;
		}
		memcpy(functions[i].pointer, &address, sizeof(address));
	}
	return true;
}

#endif
