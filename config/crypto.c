/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of the totem section for encryption (book configuration, "Key"): the combination of
 * cipher and hash, and the secret key. The key lives in memory of the config's arena that core dumps
 * leave out.
 */
#include "config/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/trust.h"
#include "config/compat.h"

#define KEY_SIZE_MIN 128
#define KEY_SIZE_MAX 4096

static const char own_file[] = SYSCONF_DIR "/coterie/authkey", corosyncs_file[] = SYSCONF_DIR "/corosync/authkey";

static const char *word_of(const struct tree *tree, const char *key, const char *otherwise)
{
	const char *text = tree_text(tree, key);

	return text == NULL ? otherwise : text;
}

/* Read up to KEY_SIZE_MAX bytes. Later bytes do not count. @return size; -errno */
static ssize_t read_all(int fd, uint8_t *bytes)
{
	size_t used = 0;

	while (used < KEY_SIZE_MAX) {
		ssize_t got = read(fd, bytes + used, KEY_SIZE_MAX - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

/* Return the name of the user that must own the file. */
static const char *owner_name(char *text, size_t size)
{
	if (geteuid() == 0)
		return "root";
	snprintf(text, size, "root or %u", (unsigned int)geteuid());
	return text;
}

/*
 * The administrator may not know that a key is needed, so the line names both solutions: a key, or
 * no encryption.
 */
static void report_no_key(struct tree *tree, const struct config *config, const char *path)
{
	bool is_own = strcmp(path, own_file) == 0;

	tree_error(tree, tree_place(tree, "totem.transport"),
		"no key for the ring: '%s' does not exist: make it with 'coterie-ctl key create%s%s' and copy it to "
		"all nodes, or set 'encryption = none' in block 'transport %s'",
		path, is_own ? "" : " ", is_own ? "" : path, config->transport);
}

/* An existing file that cannot be read needs another owner, not a new key. */
static void report_closed(
	struct tree *tree, const struct config *config, struct place place, const char *path, int error)
{
	bool is_own = strcmp(path, own_file) == 0; /* the name that `key create` uses by default */

	if (error == ENOENT && config->is_encrypted_by_default)
		report_no_key(tree, config, path);
	else if (error == EACCES && geteuid() != 0)
		tree_error(tree, place, "cannot read key file '%s' (%s): chmod 400, chown %u", path, strerror(error),
			(unsigned int)geteuid());
	else if (tree->is_native)
		tree_error(tree, place,
			"cannot read key file '%s' (%s): create it with 'coterie-ctl key create%s%s' on one node and copy "
			"it",
			path, strerror(error), is_own ? "" : " ", is_own ? "" : path);
	else
		tree_error(tree, place,
			"Could not open %s: %s: create it with corosync-keygen on one node and "
			"copy it to "
			"all",
			path, strerror(error));
}

/*
 * A daemon of root, or with other rights of root, takes no key from a path that other users can lead elsewhere: they
 * would choose the key. With corosync.conf it accepts such a key, as Corosync does, and warns.
 *
 * @param is_shared  out: other users can change the folder, or exchange a part of the path
 * @return descriptor; -errno
 */
static int open_key(const struct tree *tree, const char *path, bool *is_shared)
{
	/* A pipe or device must not block the start, hence O_NONBLOCK. */
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	char absolute[PATH_MAX];
	bool is_private;

	*is_shared = false;
	if (trust_is_needed()) {
		size_t length = path[0] == '/' || getcwd(absolute, sizeof(absolute)) == NULL ? 0 : strlen(absolute);

		snprintf(absolute + length, sizeof(absolute) - length, "%s%s", length > 0 ? "/" : "", path);

		int fd = trust_open(absolute, flags, 0, &is_private);

		*is_shared = fd == -ELOOP || (fd >= 0 && !is_private);
		if (tree->is_native || fd != -ELOOP)
			return fd;
	}

	int fd = open(path, flags);

	return fd < 0 ? -errno : fd;
}

static int take_file(struct tree *tree, struct config *config, const char *path, struct place place, bool is_test)
{
	uint8_t *bytes = arena_take_secret(tree->arena, KEY_SIZE_MAX);
	char owner[32];

	if (bytes == NULL)
		return -ENOMEM;
	bool is_shared;
	int fd = open_key(tree, path, &is_shared);

	if (is_shared && tree->is_native) {
		tree_error(tree, place,
			"key file '%s' is below a folder that other users can change: move it to a folder that only %s can "
			"write",
			path, owner_name(owner, sizeof(owner)));
		if (fd >= 0)
			close(fd);
		return 0;
	}
	/*
	 * The user that tests the file may be another one than the daemon's. Do not advise rights for that user,
	 * who would learn the key.
	 */
	if (fd == -EACCES && is_test && geteuid() != 0) {
		tree_warning(tree, place, "cannot read key file '%s' (%s): it was not checked", path, strerror(EACCES));
		config->key_path = path;
		return 0;
	}
	if (fd < 0) {
		report_closed(tree, config, place, path, -fd);
		return 0;
	}
	ssize_t size = read_all(fd, bytes);

	if (size < 0) {
		tree_error(tree, place, "Could not read %s: %s: give a regular file", path, strerror((int)-size));
	} else if (size < KEY_SIZE_MIN && tree->is_native) {
		tree_error(tree, place, "key file '%s' has %zd byte%s: it needs at least %d", path, size,
			size == 1 ? "" : "s", KEY_SIZE_MIN);
	} else if (size < KEY_SIZE_MIN) {
		tree_error(tree, place,
			"Could only read %zd bits of minimum %d bits from %s: create it with "
			"corosync-keygen on one node and copy it to all",
			size * 8, KEY_SIZE_MIN * 8, path);
	} else if (key_file_is_shared(fd) && tree->is_native) {
		tree_error(tree, place, "key file '%s' can be read or written by others: chmod 400, chown %s", path,
			owner_name(owner, sizeof(owner)));
	} else {
		/* Corosync does not check that, so it is a warning where a corosync.conf names the file. */
		if (key_file_is_shared(fd))
			tree_warning(tree, place, "key file '%s' can be read by others: chmod 400", path);
		if (is_shared)
			tree_warning(tree, place, "key file '%s' is below a folder that other users can change", path);
		config->key = bytes;
		config->key_size = (uint32_t)size;
		config->key_path = path;
	}
	close(fd);
	return 0;
}

/*
 * Take the key in a test. Root tests the file of a daemon that may become another user, whom the test does not know. That
 * user owns the state folder, and the daemon accepts the user's key files. So does the test, for the key alone.
 */
static int take_file_in_test(
	struct tree *tree, struct config *config, const char *path, struct place place, const char *state_dir)
{
	struct stat status;

	if (state_dir == NULL || stat(state_dir, &status) < 0)
		return take_file(tree, config, path, place, true);
	uid_t before = trust_user(status.st_uid);
	int rc = take_file(tree, config, path, place, true);

	trust_user(before);
	return rc;
}

static int keep(struct tree *tree, struct config *config, const void *key, size_t size)
{
	void *bytes = arena_take_secret(tree->arena, size);

	if (bytes == NULL)
		return -ENOMEM;
	config->key = memcpy(bytes, key, size);
	config->key_size = (uint32_t)size;
	return 0;
}

/* A key in the configuration itself includes its NUL. */
static int take_text(struct tree *tree, struct config *config, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size < KEY_SIZE_MIN || size > KEY_SIZE_MAX) {
		tree_error(tree, tree_place(tree, "totem.key"),
			"key is too %s (%zu bytes, must be from %d to %d): use a key file",
			size < KEY_SIZE_MIN ? "short" : "long", size, KEY_SIZE_MIN, KEY_SIZE_MAX);
		return 0;
	}
	return keep(tree, config, text, size);
}

/* Take the key from the running configuration, which has read it. */
static int keep_source(struct tree *tree, struct config *config)
{
	const struct config *source = tree->key_source;
	const char *path = source->key_path;

	if (source->key == NULL)
		return 0;
	if (path != NULL && (path = arena_copy(tree->arena, path, strlen(path))) == NULL)
		return -ENOMEM;
	config->key_path = path;
	return keep(tree, config, source->key, source->key_size);
}

/*
 * Return the path of a key in the state folder. An instance has its own folder below the one that the
 * file names.
 */
static const char *state_key(
	struct tree *tree, const struct config *config, const struct config_environment *environment)
{
	if (config->state_dir == NULL && environment->state_dir == NULL)
		return "";
	const char *path = config->state_dir == NULL
				   ? arena_print(tree->arena, "%s/authkey", environment->state_dir)
				   : arena_print(tree->arena, "%s%s%s/authkey", config->state_dir,
					     environment->instance == NULL ? "" : "/",
					     environment->instance == NULL ? "" : environment->instance);

	tree->is_out_of_memory = tree->is_out_of_memory || path == NULL;
	return path == NULL ? "" : path;
}

/*
 * Return whether a file exists. The check uses the rights of the effective user, as open(2) does.
 * errno is set on false.
 */
static bool is_there(const char *path) { return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0; }

/*
 * Search the default files of the key: in the state folder, in Coterie's config folder, where Corosync looks for it.
 * The daemon writes a key only into its state folder, so a key there is newer than one that an administrator has
 * copied. A node that has changed from Corosync may still have its key in the last place. If the daemon may not read
 * one of its own folders, the search ends there: a file found later may be a key that the peers do not have.
 */
static const char *default_file(
	struct tree *tree, const struct config *config, const struct config_environment *environment)
{
	if (!tree->is_native)
		return corosyncs_file;
	const char *places[] = {state_key(tree, config, environment), own_file, corosyncs_file};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (is_there(places[i]) || (errno == EACCES && places[i] != corosyncs_file))
			return places[i];
	return own_file;
}

/*
 * Warn if another key file is newer than the used one. Only the order of the folders decides which key is used: the
 * time of a file says little about which key the peers have. The daemon writes a rotated key only into its state
 * folder.
 */
static void warn_newer(struct tree *tree, const struct config *config, struct place place)
{
	const char *newer = key_newer_than(config->key_path, config->key, config->key_size);

	if (newer != NULL)
		tree_warning(tree, place,
			"key file '%s' hides the newer key file '%s': to use the newer key, remove '%s' on all nodes, otherwise "
			"remove '%s'",
			config->key_path, newer, config->key_path, newer);
}

static int take_key(
	struct tree *tree, struct config *config, const struct config_environment *environment, struct place place)
{
	const char *file = tree_text(tree, "totem.keyfile"), *text = tree_text(tree, "totem.key");

	if (tree->key_source != NULL)
		return keep_source(tree, config);
	if (file == NULL && text != NULL)
		return take_text(tree, config, text);

	bool is_found = file == NULL && tree->is_native;

	if (file != NULL)
		place = tree_place(tree, "totem.keyfile");
	else
		file = default_file(tree, config, environment);
	/* A user who may read the configuration may not be allowed to read the key. */
	if (environment->needs_no_key) {
		config->key_path = file;
		return 0;
	}

	int rc = environment->is_test ? take_file_in_test(tree, config, file, place, environment->state_dir)
				      : take_file(tree, config, file, place, false);

	if (rc == 0 && is_found && config->key != NULL)
		warn_newer(tree, config, place);
	return rc;
}

/* udp and udpu have one option for cipher and authentication together. */
static int build_sealed(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	const char *encryption = word_of(tree, "totem.encryption", "none");

	if (strcmp(encryption, "none") == 0)
		return 0;
	return take_key(tree, config, environment, tree_place(tree, "totem.encryption"));
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

bool config_is_loopback(const struct config *config)
{
	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++)
			if (node->addresses[link].ss_family != AF_UNSPEC && !is_loopback(&node->addresses[link]))
				return false;
	}
	return true;
}

/*
 * The defaults are stored in the map, so that all code that reads them sees the same values. They follow from the
 * addresses, not from whether a key exists: otherwise a node without the key would decide differently from its
 * peers.
 */
static void encrypt_by_default(struct tree *tree, struct config *config, bool is_udp)
{
	static const char *const ciphers[] = {"totem.crypto_cipher", "totem.crypto_hash", "totem.secauth"};
	const struct compat_transport *transport = compat_transport(config->transport);
	const struct place place = {.file = tree->file};
	bool is_decided = is_udp && tree_find(tree, "totem.encryption") != NULL;

	if (!tree->is_native || config_is_loopback(config) || transport == NULL)
		return;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]) && transport->has_cipher; i++)
		is_decided = is_decided || tree_find(tree, ciphers[i]) != NULL;
	if (is_decided)
		return;
	config->is_encrypted_by_default = true;
	if (is_udp) {
		tree_set_string(tree, "totem.encryption", "aes256-gcm", place);
		return;
	}
	tree_set_string(tree, "totem.crypto_cipher", "aes256", place);
	tree_set_string(tree, "totem.crypto_hash", "sha256", place);
}

int crypto_build(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	bool is_udp = is_ip_transport(config->transport);

	encrypt_by_default(tree, config, is_udp);
	bool is_secure = strcmp(word_of(tree, "totem.secauth", "off"), "on") == 0;
	const char *cipher = word_of(tree, "totem.crypto_cipher", is_secure ? "aes256" : "none");
	const char *hash = word_of(tree, "totem.crypto_hash", is_secure ? "sha256" : "none");
	bool has_cipher = strcmp(cipher, "none") != 0, has_hash = strcmp(hash, "none") != 0;
	const char *cause = has_cipher ? "totem.crypto_cipher" : "totem.crypto_hash";
	struct place place = tree_place(tree, tree_find(tree, cause) != NULL ? cause : "totem.secauth");

	config->cipher = cipher;
	config->hash = hash;
	if (!has_cipher && !has_hash)
		return is_udp ? build_sealed(tree, config, environment) : 0;
	if (is_udp) {
		tree_error(tree, place, COMPAT_TEXT_CRYPTO);
		return 0;
	}
	if (has_cipher && !has_hash && tree->is_native) {
		tree_error(tree, place, "cipher '%s' needs a hash: add 'hash = sha256' to block 'transport %s'", cipher,
			config->transport);
		return 0;
	}
	if (has_cipher && !has_hash) {
		tree_error(tree, place,
			"crypto_cipher requires crypto_hash with value other than none: add "
			"'crypto_hash: "
			"sha256'");
		return 0;
	}
	return take_key(tree, config, environment, place);
}
