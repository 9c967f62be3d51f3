/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/daemon_user.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/trust.h"

#define PASSWD_SIZE 4096 /* bytes of an entry of the user database */

/* Return whether COTERIE_USER names this user. A program that has the rights of another user ignores the variable. */
static bool is_named(uid_t uid)
{
	const char *name = secure_getenv("COTERIE_USER");
	struct passwd entry, *found = NULL;
	char bytes[PASSWD_SIZE], *end;

	if (name == NULL || name[0] == '\0')
		return false;
	if (name[strspn(name, "0123456789")] == '\0') {
		unsigned long number = strtoul(name, &end, 10);

		return number == uid && number < (uid_t)-1;
	}
	return getpwnam_r(name, &entry, bytes, sizeof(bytes), &found) == 0 && found != NULL && found->pw_uid == uid;
}

/* Return whether the user owns this folder. A link is no folder. A folder that others can write belongs to no user. */
static bool owns(uid_t uid, const char *folder, bool *is_sealed)
{
	struct stat status;

	*is_sealed = lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
		     (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	return *is_sealed && status.st_uid == uid;
}

static bool owns_run_folder(const char *folder, uid_t uid, const char *instance)
{
	char real[PATH_MAX], path[PATH_MAX + 64], culprit[PATH_MAX];
	bool is_sealed;

	if (realpath(folder, real) == NULL || trust_folder(real, culprit, sizeof(culprit)) < 0)
		return false;
	int length = snprintf(path, sizeof(path), "%s/coterie", real);

	if (owns(uid, path, &is_sealed))
		return true;
	if (!is_sealed || instance == NULL || instance[0] == '\0')
		return false;
	snprintf(path + length, sizeof(path) - (size_t)length, "/%s", instance);
	return owns(uid, path, &is_sealed);
}

bool daemon_user_is_trusted_in(const char *folder, uid_t uid, const char *instance)
{
	return trust_owner(uid) || is_named(uid) || owns_run_folder(folder, uid, instance);
}

bool daemon_user_is_trusted(uid_t uid, const char *instance)
{
	return daemon_user_is_trusted_in(RUNSTATE_DIR, uid, instance);
}
