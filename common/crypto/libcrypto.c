/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/crypto/libcrypto.h"

#include "common/crypto/late_library.h"
#include "config.h"

#ifdef STATIC_BINARY

#define ADDRESS(name) .name = name,

static const struct libcrypto functions = {LIBCRYPTO_FUNCTIONS(ADDRESS)};

const struct libcrypto *libcrypto_get(void) { return &functions; }

const char *libcrypto_error(void) { return ""; }

#else

#include <pthread.h>
#include <stddef.h>

/* The version that this build has seen the headers of. Another one may have other types. */
#define TEXT_OF(number) #number
#define FILE_OF(version) "libcrypto.so." TEXT_OF(version)

static struct {
	pthread_mutex_t mutex;
	bool is_loaded;
	struct libcrypto functions;
	char error[LATE_ERROR_SIZE];
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool load(void)
{
#define FUNCTION(name) {#name, &state.functions.name},
	const struct late_function functions[] = {LIBCRYPTO_FUNCTIONS(FUNCTION)};

	return late_library_load(
		FILE_OF(OPENSSL_SHLIB_VERSION), functions, sizeof(functions) / sizeof(functions[0]), state.error);
}

const struct libcrypto *libcrypto_get(void)
{
	pthread_mutex_lock(&state.mutex);
	if (!state.is_loaded)
		state.is_loaded = load();
	bool is_loaded = state.is_loaded;

	pthread_mutex_unlock(&state.mutex);
	return is_loaded ? &state.functions : NULL;
}

const char *libcrypto_error(void) { return state.error; }

#endif
