/*
 * Encryption's keys of the totem section (spec 07 §1.6). Only what can be said before the transport
 * runs: the combination of cipher and hash, and whether there is a usable key. The key itself is
 * not kept.
 */
#include "exec/config/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE_MIN 128
#define KEY_SIZE_MAX 4096

static const char *word_of(const struct tree *tree, const char *key, const char *otherwise)
{
	const char *text = tree_text(tree, key);

	return text == NULL ? otherwise : text;
}

static void check_key_file(struct tree *tree, const char *path, struct place place)
{
	char bytes[KEY_SIZE_MIN];
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		tree_error(tree, place,
			"cannot read key file '%s' (%s): create it with corosync-keygen on one "
			"node and copy it "
			"to all",
			path, strerror(errno));
		return;
	}
	ssize_t size = read(fd, bytes, sizeof(bytes));

	if (size < 0)
		tree_error(tree, place, "cannot read key file '%s' (%s): give a regular file", path,
			strerror(errno));
	else if (size < KEY_SIZE_MIN)
		tree_error(tree, place, "key file '%s' has %zd bytes: it needs at least %d", path,
			size, KEY_SIZE_MIN);
	else if (fstat(fd, &status) == 0 && (status.st_mode & 077) != 0)
		tree_warning(tree, place, "key file '%s' can be read by others: chmod 400", path);
	explicit_bzero(bytes, sizeof(bytes));
	close(fd);
}

int crypto_check(struct tree *tree, const struct config *config)
{
	bool is_secure = strcmp(word_of(tree, "totem.secauth", "off"), "on") == 0;
	const char *cipher = word_of(tree, "totem.crypto_cipher", is_secure ? "aes256" : "none");
	const char *hash = word_of(tree, "totem.crypto_hash", is_secure ? "sha256" : "none");
	bool has_cipher = strcmp(cipher, "none") != 0, has_hash = strcmp(hash, "none") != 0;
	struct place place =
		tree_place(tree, has_cipher ? "totem.crypto_cipher" : "totem.crypto_hash");
	const char *file = tree_text(tree, "totem.keyfile"), *key = tree_text(tree, "totem.key");

	if (!has_cipher && !has_hash)
		return 0;
	if (strcmp(config->transport, "udp") == 0 || strcmp(config->transport, "udpu") == 0) {
		tree_error(tree, place,
			"crypto_cipher & crypto_hash are only valid for the Knet transport: remove "
			"them or use "
			"'transport: knet'");
		return 0;
	}
	if (has_cipher && !has_hash) {
		tree_error(tree, place,
			"crypto_cipher requires crypto_hash with value other than none: add "
			"'crypto_hash: "
			"sha256'");
		return 0;
	}
	/* The key written in the file counts with its NUL. */
	if (file != NULL)
		check_key_file(tree, file, tree_place(tree, "totem.keyfile"));
	else if (key == NULL)
		check_key_file(tree, SYSCONF_DIR "/corosync/authkey", place);
	else if (strlen(key) + 1 < KEY_SIZE_MIN || strlen(key) + 1 > KEY_SIZE_MAX)
		tree_error(tree, tree_place(tree, "totem.key"),
			"key has %zu bytes: it needs at least %d; use a key file", strlen(key) + 1,
			KEY_SIZE_MIN);
	return 0;
}
