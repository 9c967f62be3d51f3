/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/native_case.h"

#include <stdio.h>
#include <stdlib.h>

struct config_case one;
char folder[64];

void native_case_setup(void)
{
	config_case_init(&one);
	one.environment.format = CONFIG_FORMAT_COTERIE;
	snprintf(folder, sizeof(folder), "/tmp/coterie-native-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	config_case_key(&one, folder);
	unsetenv("NOPE");
	setenv("THERE", "demo", 1);
}

void native_case_teardown(void)
{
	char command[128];

	config_case_fini(&one);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

const char *native_case_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

void native_case_write(const char *name, const char *text)
{
	FILE *file = fopen(native_case_path(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

int native_case_load(const char *name)
{
	config_case_fini(&one);
	one.rc = config_load(native_case_path(name), &one.environment, &one.config, &one.messages);
	return one.rc;
}

const char *native_case_text(const char *text)
{
	static char result[600];
	size_t used = 0;

	for (; *text != '\0' && used < sizeof(result) - 1; text++) {
		if (*text != '@')
			result[used++] = *text;
		else
			used += (size_t)snprintf(result + used, sizeof(result) - used, "%s", folder);
	}
	result[used] = '\0';
	return result;
}
