/*
 * For the helper: collect the facts of a node before a change.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/trust.h"
#include "config.h"
#include "tools/cluster/agent.h"
#include "tools/cluster/plan.h"
#include "tools/ctl/daemon.h"

#define FOLDER SYSCONF_DIR "/coterie"

/* --- files --- */

void agent_default_config(const struct ctl *ctl, char path[4096])
{
	const char *named = getenv("COTERIE_CONFIG");

	if (named != NULL && named[0] == '/')
		snprintf(path, 4096, "%s", named);
	else
		snprintf(path, 4096, FOLDER "/%s.conf", ctl->instance != NULL ? ctl->instance : "coterie");
}

const char *agent_key_place(const struct agent *agent, size_t rank, char path[4096])
{
	const char *instance = agent->ctl->instance;

	if (rank == 0)
		snprintf(path, 4096, "%.3900s%s%.100s/authkey",
			agent->state_dir[0] != '\0' ? agent->state_dir : LOCALSTATE_DIR "/lib/coterie",
			instance != NULL ? "/" : "", instance != NULL ? instance : "");
	else if (rank == 1)
		snprintf(path, 4096, FOLDER "/authkey");
	else if (rank == 2)
		snprintf(path, 4096, SYSCONF_DIR "/corosync/authkey");
	else
		return NULL;
	return path;
}

/* Return whether the config or the defaults name this file as the key. */
static bool is_place_of_key(const struct agent *agent, const char *path)
{
	char place[4096];

	if (strcmp(path, agent->key_named) == 0)
		return true;
	for (size_t rank = 0; agent_key_place(agent, rank, place) != NULL; rank++)
		if (strcmp(path, place) == 0)
			return true;
	return false;
}

uid_t agent_key_file(struct agent *agent, char path[4096])
{
	char *used = fact_text(agent->ctl, CTL_STATS, "stats.coterie.key_file");
	const struct passwd *user = geteuid() == 0 ? getpwnam(DAEMON_USER) : NULL;
	uid_t owner = FILES_ANY_OWNER;

	path[0] = '\0';
	if (used != NULL && used[0] == '/')
		snprintf(path, 4096, "%s", used);
	else
		snprintf(path, 4096, "%s", agent->key_named);
	free(used);
	if (path[0] != '\0' && user != NULL && !is_place_of_key(agent, path))
		owner = user->pw_uid;
	for (size_t rank = 0; path[0] == '\0' && agent_key_place(agent, rank, path) != NULL; rank++)
		if (access(path, F_OK) < 0)
			path[0] = '\0';
	return owner;
}

static void put_config(struct agent *agent, struct json_object *answer)
{
	char *bytes = NULL;
	ssize_t size = files_read(agent->config, CONF_SIZE_MAX, FILES_ANY_OWNER, &bytes);
	char *hex = size >= 0 ? hex_encode(bytes, (size_t)size) : NULL;

	agent->key_named[0] = agent->state_dir[0] = '\0';
	if (bytes != NULL && !agent->is_open)
		conf_key_places(bytes, agent->ctl->instance, agent->key_named, agent->state_dir);
	put_text(answer, "file", agent->config);
	put_bool(answer, "has_config", size != -ENOENT && size != -ENOTDIR);
	if (hex != NULL)
		put_text(answer, "config", hex);
	free(hex);
	free(bytes);
	put_bool(answer, "has_corosync_config", access(SYSCONF_DIR "/corosync/corosync.conf", F_OK) == 0);
}

/*
 * Return whether other users can change the folder. The daemon reports the path of its config file. If its program was taken
 * over, this could be a file that it has made, and the helper would act on it as root.
 */
static bool is_open_folder(const char *folder)
{
	char path[4096 + 8], name[NAME_MAX + 1];
	bool is_private = false;

	snprintf(path, sizeof(path), "%s/file", folder);
	int fd = trust_open_folder(path, name, &is_private);

	if (fd >= 0)
		close(fd);
	return trust_is_needed() && (fd < 0 || !is_private);
}

/*
 * Report whether the folder can be written, or its parent if the folder has to be created. access(2) also detects a
 * read-only file system.
 */
static void put_folder(struct agent *agent, bool is_locking, struct json_object *answer)
{
	char folder[4096];

	snprintf(folder, sizeof(folder), "%s", agent->config);
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(folder, '/');

		if (slash == NULL || slash == folder)
			break;
		*slash = '\0';
		if (access(folder, F_OK) == 0)
			break;
	}
	put_text(answer, "folder", folder);
	agent->is_open = is_open_folder(folder);
	put_text(answer, "write_error", access(folder, W_OK | X_OK) < 0 ? strerror(errno) : "");
	put_bool(answer, "is_open", agent->is_open);
	bool is_locked = false;

	if (is_locking && agent->lock < 0) {
		agent->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		is_locked = agent->lock >= 0 && flock(agent->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	}
	put_bool(answer, "is_locked", is_locked);
}

static void put_key(struct agent *agent, struct json_object *answer)
{
	char path[4096];

	(void)agent_key_file(agent, path);
	put_bool(answer, "has_key", path[0] != '\0' && access(path, F_OK) == 0);
	put_text(answer, "key_file", path);
}

/* --- the daemon --- */

static void put_members(struct ctl *ctl, struct json_object *answer)
{
	struct json_object *members = fact_members(ctl), *list = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (strcmp(get_text(member, "state"), "joined") == 0)
			json_object_array_add(list, json_object_new_int64(get_number(member, "id")));
	}
	json_object_object_add(answer, "members", list);
	json_object_put(members);
}

/* Add the facts of the running daemon. @return whether a daemon of this instance answers */
static bool put_running(struct agent *agent, struct json_object *answer)
{
	struct ctl *ctl = agent->ctl;
	int code = ctl_open(ctl, CTL_CONFIG);
	char *cluster = NULL, *file = NULL;

	if (code != 0 && code != CTL_NOT_RUNNING)
		put_text(answer, "daemon", ctl->error.text);
	memset(&ctl->error, 0, sizeof(ctl->error));
	put_bool(answer, "is_running", code == 0);
	if (code != 0)
		return false;
	cluster = fact_text(ctl, CTL_CONFIG, "totem.cluster_name");
	file = daemon_config_file(ctl);
	put_text(answer, "cluster", cluster != NULL ? cluster : "");
	put_bool(answer, "is_corosync", file == NULL);
	put_bool(answer, "is_quorate", fact_quorate(ctl) != 0);
	put_number(answer, "id", fact_local(ctl));
	put_number(answer, "running_version", fact_number(ctl, CTL_CONFIG, "totem.config_version", 0));
	put_members(ctl, answer);
	if (file != NULL && file[0] == '/')
		snprintf(agent->config, sizeof(agent->config), "%s", file);
	free(cluster);
	free(file);
	return true;
}

static void put_daemon(struct json_object *answer)
{
	char path[4096];

	daemon_program(path);
	if (access(path, X_OK) < 0) {
		char text[PLAN_TEXT_MAX];

		snprintf(text, sizeof(text), "'%.300s': %s", path, strerror(errno));
		put_text(answer, "daemon", text);
	}
}

void agent_facts(struct agent *agent, bool is_locking, struct json_object *answer)
{
	put_number(answer, "protocol", PLAN_PROTOCOL);
	put_text(answer, "version", PACKAGE_VERSION);
	agent_default_config(agent->ctl, agent->config);
	put_daemon(answer);
	put_running(agent, answer);
	/* The lock is taken before the config is read. Otherwise another change could replace the config in between. */
	put_folder(agent, is_locking, answer);
	put_config(agent, answer);
	put_key(agent, answer);
}
