/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shared library of the system that is loaded when it is needed, not when the program starts. It is found as the
 * dynamic linker finds the libraries that a program is linked with. A daemon in one file does without this.
 */
#ifndef COMMON_LATE_LIBRARY_H
#define COMMON_LATE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#define LATE_ERROR_SIZE 256

struct late_function {
	const char *name;
	void *pointer; /* address of the pointer that gets the address of the function */
};

/**
 * Load a library, and look up count functions. It stays loaded until the process ends.
 *
 * @param file   name with the version, such as "libcrypto.so.3"
 * @param error  out: LATE_ERROR_SIZE bytes; the reason, if the function returns false
 * @return false: there is no such library, or it lacks a function
 */
bool late_library_load(const char *file, const struct late_function *functions, size_t count, char *error);

#endif
