/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Let the daemon die in the middle of an answer to the tool into which this library is preloaded. DIES_AT names a
 * function of a client library. At the second call of this function the library kills process DIES_PID and waits for
 * its end.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/cmap.h>
#include <corosync/cpg.h>

/* Return whether the process has ended. Its parent may not have waited for it yet. */
static int has_ended(const char *pid)
{
	char path[64], state = 'Z';

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return 1;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state == 'Z';
}

static void *real(const char *name)
{
	static int calls;
	const char *wanted = getenv("DIES_AT"), *pid = getenv("DIES_PID");

	if (wanted != NULL && pid != NULL && strcmp(wanted, name) == 0 && ++calls == 2) {
		kill((pid_t)atoi(pid), SIGKILL);
		while (!has_ended(pid))
			usleep(10000);
	}
	return dlsym(RTLD_NEXT, name);
}

cs_error_t cmap_iter_next(
	cmap_handle_t handle, cmap_iter_handle_t iterator, char name[], size_t *size, cmap_value_types_t *type)
{
	cs_error_t (*next)(cmap_handle_t, cmap_iter_handle_t, char *, size_t *, cmap_value_types_t *);

	*(void **)&next = real("cmap_iter_next");
	return next(handle, iterator, name, size, type);
}

cs_error_t cpg_iteration_next(cpg_iteration_handle_t handle, struct cpg_iteration_description_t *description)
{
	cs_error_t (*next)(cpg_iteration_handle_t, struct cpg_iteration_description_t *);

	*(void **)&next = real("cpg_iteration_next");
	return next(handle, description);
}

cs_error_t cmap_set_string(cmap_handle_t handle, const char *name, const char *value)
{
	cs_error_t (*set)(cmap_handle_t, const char *, const char *);

	*(void **)&set = real("cmap_set_string");
	return set(handle, name, value);
}
