/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/reload/rotate.c with real files: a new key is stored beside the key file, and then used or dropped. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/loop/loop.h"
#include "exec/reload/key_file.h"
#include "exec/reload/reload.h"
#include "exec/reload/rotate.h"
#include "tests/suite.h"
#include "tests/unit/exec/reload/reload_case.h"

static char key_path[96], next_path[104];
static uint8_t old_key[200], new_key[256];
static char text[1024];

static bool fail_fchmod;

/* Replaces the C library's function, which fails if fail_fchmod is set. */
int fchmod(int fd, mode_t mode)
{
	if (fail_fchmod) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_fchmod, fd, mode);
}

static void write_key(const char *file, const uint8_t *key, size_t size)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0400);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, key, size), (ssize_t)size);
	close(fd);
}

static void create_rotate(void)
{
	node.rotate = rotate_create(&(struct rotate_parts){
		.loop = node.loop, .config = &node.config, .state_dir = folder, .reload = node.reload});
}

static void begin(bool is_encrypted)
{
	char lines[512];

	make_folder();
	snprintf(key_path, sizeof(key_path), "%s/authkey", folder);
	snprintf(next_path, sizeof(next_path), "%s.next", key_path);
	memset(old_key, 'o', sizeof(old_key));
	memset(new_key, 'n', sizeof(new_key));
	write_key(key_path, old_key, sizeof(old_key));
	snprintf(lines, sizeof(lines), " encryption: aes256-gcm\n keyfile: %s\n", key_path);
	write_file(is_encrypted ? lines : "", "1 2 3", "");
	set_up_with("udpu");
	create_rotate();
}

static void set_up_encrypted(void) { begin(true); }

static void tear_down_keys(void)
{
	rotate_destroy(node.rotate);
	unlink(key_path);
	unlink(next_path);
	tear_down();
}

static struct result prepare_key(void)
{
	struct result result = {.rc = 1};

	ck_assert_int_eq(rotate_prepare(node.rotate, &node, new_key, sizeof(new_key), on_done, &result), 0);
	ck_assert_uint_eq(result.count, 0);
	run_loop();
	return result;
}

static int commit(void) { return rotate_commit(node.rotate, &node, text, sizeof(text)); }

static bool is_in(const char *file, const uint8_t *key, size_t size)
{
	uint8_t bytes[512];
	int fd = open(file, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	return got == (ssize_t)size && memcmp(bytes, key, size) == 0;
}

static bool uses(const uint8_t *key, size_t size)
{
	return node.config->key_size == size && memcmp(node.config->key, key, size) == 0;
}

#define USES_OLD uses(old_key, sizeof(old_key))
#define USES_NEW uses(new_key, sizeof(new_key))
#define FILE_IS_OLD is_in(key_path, old_key, sizeof(old_key))
#define FILE_IS_NEW is_in(key_path, new_key, sizeof(new_key))

/* ---- The plain case ------------------------------------------------------ */

START_TEST(the_key_changes_with_the_second_step)
{
	struct stat status;
	struct result result = prepare_key();

	ck_assert_msg(result.rc == 0, "%s", result.text);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	ck_assert_int_eq(stat(next_path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0400);
	ck_assert(FILE_IS_OLD && USES_OLD);
	ck_assert_uint_eq(seen.transport_reloads, 0);
	ck_assert_int_eq(commit(), 0);
	ck_assert(FILE_IS_NEW && USES_NEW);
	ck_assert_int_eq(access(next_path, F_OK), -1);
	ck_assert_uint_eq(seen.transport_reloads, 1);
	ck_assert_int_eq(commit(), -ENOENT); /* a second commit finds no key */
	/* After that a reload reads the key that is in use. */
	result = reload();
	ck_assert_int_eq(result.rc, 0);
	ck_assert(USES_NEW);
}
END_TEST

START_TEST(the_former_key_is_wiped)
{
	static const uint8_t zeros[sizeof(old_key)];
	const void *former = node.config->key;

	ck_assert(USES_OLD);
	ck_assert_int_eq(config_replace_key(node.config, new_key, sizeof(new_key), key_path), 0);
	ck_assert(USES_NEW);
	ck_assert_int_eq(memcmp(former, zeros, sizeof(zeros)), 0);
}
END_TEST

START_TEST(a_dropped_key_leaves_no_file)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	rotate_drop(node.rotate, &seen); /* no effect: another owner */
	ck_assert_int_eq(access(next_path, F_OK), 0);
	rotate_drop(node.rotate, &node);
	ck_assert_int_eq(access(next_path, F_OK), -1);
	ck_assert_int_eq(commit(), -ENOENT);
	ck_assert(FILE_IS_OLD && USES_OLD);
	ck_assert_int_eq(prepare_key().rc, 0); /* another key can be prepared */
	ck_assert_int_eq(commit(), 0);
	ck_assert(USES_NEW);
}
END_TEST

START_TEST(a_key_that_is_left_is_replaced_by_the_next)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	rotate_leave(node.rotate, &seen); /* no effect: another owner */
	ck_assert(!has_logged("authkey.next' has a key"));
	rotate_leave(node.rotate, &node);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	ck_assert(has_logged("authkey.next' has a key that nodes outside of this ring may use now"));
	ck_assert_int_eq(commit(), -ENOENT);
	ck_assert(FILE_IS_OLD && USES_OLD);
	memset(new_key, 'm', sizeof(new_key));
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	ck_assert_int_eq(commit(), 0);
	ck_assert(FILE_IS_NEW && USES_NEW);
	ck_assert_int_eq(access(next_path, F_OK), -1);
}
END_TEST

START_TEST(one_key_at_a_time)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, new_key, 256, on_done, NULL), -EALREADY);
	ck_assert_int_eq(commit(), 0);
}
END_TEST

START_TEST(the_second_step_waits_for_the_engine)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	seen.is_inside = true;
	ck_assert_int_eq(commit(), -EBUSY);
	seen.is_inside = false;
	ck_assert_int_eq(commit(), 0);
}
END_TEST

START_TEST(sizes_of_keys)
{
	uint8_t long_key[4097] = {0};

	ck_assert_int_eq(rotate_prepare(node.rotate, &node, long_key, 127, on_done, NULL), -EINVAL);
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, long_key, 4097, on_done, NULL), -EINVAL);
}
END_TEST

/* coterie.conf does not name a key file, so the key stays in the state folder through all rotations. */
START_TEST(the_default_file_stays)
{
	tear_down_keys();
	make_folder();
	snprintf(key_path, sizeof(key_path), "%s/authkey", folder);
	snprintf(next_path, sizeof(next_path), "%s.next", key_path);
	write_key(key_path, old_key, sizeof(old_key));
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file,
		"transport udpu { encryption = aes256-gcm }\nprocess { state-dir = \"%s\" }\n"
		"node a { id = 1  address = 127.0.0.1 }\nnode b { id = 2  address = 198.51.100.2 }\n",
		folder);
	fclose(file);
	set_up_with("udpu");
	seen.look_offers = COTERIE_CAN_QUORUM;
	create_rotate();
	for (uint8_t i = 0; i < 3; i++) {
		new_key[0] = i;
		struct result result = prepare_key();

		ck_assert_msg(result.rc == 0, "%s", result.text);
		ck_assert_int_eq(commit(), 0);
		ck_assert(FILE_IS_NEW && USES_NEW);
		ck_assert_str_eq(node.config->key_path, key_path);
	}
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(USES_NEW);
}
END_TEST

/* ---- Files --------------------------------------------------------------- */

START_TEST(group_rights_to_read_stay)
{
	struct stat status;

	ck_assert_int_eq(chmod(key_path, 0440), 0);
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert_int_eq(commit(), 0);
	ck_assert_int_eq(stat(key_path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0440);
}
END_TEST

START_TEST(a_former_file_and_a_link_in_its_place_are_replaced)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", folder);
	write_key(next_path, old_key, 3);
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	rotate_drop(node.rotate, &node);
	ck_assert_int_eq(symlink(other, next_path), 0);
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert_int_eq(access(other, F_OK), -1);
	ck_assert_int_eq(commit(), 0);
	ck_assert(FILE_IS_NEW);
}
END_TEST

START_TEST(the_file_that_a_link_names_is_replaced)
{
	char other[96];
	struct stat status;

	snprintf(other, sizeof(other), "%s/other", folder);
	ck_assert_int_eq(rename(key_path, other), 0);
	ck_assert_int_eq(symlink("other", key_path), 0);
	ck_assert_int_eq(prepare_key().rc, 0);
	ck_assert_int_eq(commit(), 0);
	ck_assert(is_in(other, new_key, sizeof(new_key)));
	ck_assert_int_eq(lstat(key_path, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	unlink(other);
}
END_TEST

/* As root the test can write into any folder. So a folder takes the place of the file, which makes writing fail. */
START_TEST(a_file_that_cannot_be_written_is_named)
{
	char want[160];

	ck_assert_int_eq(mkdir(next_path, 0700), 0);
	struct result result = prepare_key();

	ck_assert_int_eq(result.rc, -EINVAL);
	snprintf(want, sizeof(want), "cannot write '%s': Is a directory", next_path);
	ck_assert_str_eq(result.text, want);
	ck_assert_int_eq(commit(), -ENOENT);
	ck_assert(FILE_IS_OLD && USES_OLD);
	rmdir(next_path);
	ck_assert_int_eq(prepare_key().rc, 0);
}
END_TEST

/* The owner of a folder could make the daemon write to any file to which the daemon may write. */
START_TEST(a_folder_of_another_user_is_refused)
{
	char other[96];

	if (geteuid() != 0)
		return; /* a daemon that is not root has no rights that another user could misuse */
	ck_assert_int_eq(chown(folder, 1234, 0), 0);
	struct result result = prepare_key();

	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "is below a folder that other users can change: move it"));
	ck_assert_int_eq(access(next_path, F_OK), -1);
	ck_assert(FILE_IS_OLD && USES_OLD);

	/* A link of another user in the path must be refused as well. */
	ck_assert_int_eq(chown(folder, 0, 0), 0);
	snprintf(other, sizeof(other), "%s/other", folder);
	ck_assert_int_eq(rename(key_path, other), 0);
	ck_assert_int_eq(symlink("other", key_path), 0);
	ck_assert_int_eq(lchown(key_path, 1234, 0), 0);
	result = prepare_key();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "is below a folder that other users can change: move it"));
	ck_assert_int_eq(unlink(key_path), 0);
	ck_assert_int_eq(rename(other, key_path), 0);
	ck_assert_int_eq(prepare_key().rc, 0);
}
END_TEST

START_TEST(a_closed_folder_is_named)
{
	if (geteuid() == 0)
		return; /* tests/cluster/key_rotate.sh tests this case */
	ck_assert_int_eq(chmod(folder, 0500), 0);
	struct result result = prepare_key();

	chmod(folder, 0700);
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "is in a folder that the daemon cannot write (Permission denied)"));
}
END_TEST

/* The folder is writable, but fchmod fails, as on file systems without access rights. */
START_TEST(another_call_that_is_refused_does_not_blame_the_folder)
{
	fail_fchmod = true;
	struct result result = prepare_key();

	fail_fchmod = false;
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_null(strstr(result.text, "folder"));
	ck_assert_ptr_nonnull(strstr(result.text, "authkey.next': Operation not permitted"));
}
END_TEST

/* The other nodes change to the new key. So this node does too, and the log says what the operator has to do. */
START_TEST(a_rename_that_fails_keeps_the_node_in_the_ring)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	unlink(key_path);
	ck_assert_int_eq(mkdir(key_path, 0700), 0);
	ck_assert_int_eq(commit(), -EIO);
	ck_assert_ptr_nonnull(strstr(text, "cannot be renamed (Is a directory): rename it before the next start"));
	ck_assert(has_logged("cannot be renamed"));
	ck_assert(USES_NEW);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	rmdir(key_path);
}
END_TEST

/* Then NAME.next is the only file with the key in use. The next rotation must not replace it. */
START_TEST(a_key_that_could_not_be_renamed_is_not_lost)
{
	uint8_t third_key[256];
	struct result result = {.rc = 1};

	ck_assert_int_eq(prepare_key().rc, 0);
	unlink(key_path);
	ck_assert_int_eq(mkdir(key_path, 0700), 0);
	ck_assert_int_eq(commit(), -EIO);
	memset(third_key, 't', sizeof(third_key));
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, third_key, sizeof(third_key), on_done, &result), 0);
	run_loop();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "cannot be renamed (Is a directory): rename it first"));
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	rmdir(key_path);
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, third_key, sizeof(third_key), on_done, &result), 0);
	run_loop();
	ck_assert_int_eq(result.rc, 0);
	ck_assert(is_in(next_path, third_key, sizeof(third_key)));
	rotate_drop(node.rotate, &node);
	ck_assert(FILE_IS_NEW && USES_NEW);
	ck_assert_int_eq(access(next_path, F_OK), -1);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------ */

START_TEST(a_ring_in_clear_has_no_key)
{
	tear_down_keys();
	begin(false);
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, new_key, 256, on_done, NULL), -ENODATA);
}
END_TEST

START_TEST(a_key_in_the_configuration_is_refused)
{
	char totem[512] = " crypto_cipher: aes256\n crypto_hash: sha256\n key: ";

	tear_down_keys();
	memset(totem + strlen(totem), 'k', 200);
	strcat(totem, "\n");
	make_folder();
	write_file(totem, "1 2 3", "");
	FILE *file = fopen(path, "r+");
	char bytes[2048];
	size_t size = fread(bytes, 1, sizeof(bytes) - 1, file);

	bytes[size] = '\0';
	memcpy(strstr(bytes, "udpu"), "knet", 4);
	rewind(file);
	fwrite(bytes, 1, size, file);
	fclose(file);
	set_up_with("knet");
	create_rotate();
	struct result result = prepare_key();

	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "the key stands in the configuration (totem.key)"));
}
END_TEST

START_TEST(a_configuration_that_the_ring_refuses)
{
	seen.check_rc = -EINVAL;
	struct result result = prepare_key();

	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "does not take the value of 'token'"));
	ck_assert_int_eq(access(next_path, F_OK), -1);
}
END_TEST

/* A transport of somebody else's. It refuses before any node has stored the key. */
START_TEST(a_transport_that_cannot_change_its_key)
{
	int (*rekey)(void *self, uint32_t phase) = transport.transport.rekey;

	transport.transport.rekey = NULL;
	struct result result = prepare_key();

	transport.transport.rekey = rekey;
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_str_eq(result.text, "transport udpu cannot change its key while the ring runs");
	ck_assert_int_eq(access(next_path, F_OK), -1);
}
END_TEST

START_TEST(a_refusal_at_the_second_step_keeps_the_key_beside_the_file)
{
	char want[200];

	ck_assert_int_eq(prepare_key().rc, 0);
	seen.check_rc = -EINVAL;
	ck_assert_int_eq(commit(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(text, "does not take the value of 'token'"));
	snprintf(want, sizeof(want), "the new key is in '%s'", next_path);
	ck_assert_ptr_nonnull(strstr(text, want));
	ck_assert(has_logged(want));
	ck_assert(FILE_IS_OLD && USES_OLD);
	ck_assert(is_in(next_path, new_key, sizeof(new_key))); /* the file has the key of the other nodes */
	/* Do what the log told the operator. */
	seen.check_rc = 0;
	ck_assert_int_eq(rename(next_path, key_path), 0);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(USES_NEW);
}
END_TEST

/* The ring goes on with the old key, so a node that starts again needs that one in its file. */
START_TEST(a_refusal_of_the_transport_keeps_the_key_beside_the_file)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	seen.reload_rc = -EEXIST;
	ck_assert_int_eq(commit(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(text, "the transport does not load the new key: File exists"));
	ck_assert_ptr_nonnull(strstr(text, next_path));
	ck_assert(FILE_IS_OLD);
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	seen.reload_rc = 0;
	ck_assert_int_eq(rename(next_path, key_path), 0);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(USES_NEW);
}
END_TEST

/* The file may be another user's since the last rotation of the log. The ring has decided for the key meanwhile. */
START_TEST(a_log_that_cannot_be_opened_again_refuses_no_key)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	seen.log_rc = -EACCES;
	ck_assert_int_eq(commit(), 0);
	ck_assert_str_eq(text, "");
	ck_assert(FILE_IS_NEW && USES_NEW);
	ck_assert_uint_eq(seen.logs_configured, 0);
}
END_TEST

START_TEST(a_wrong_value_of_a_client_refuses_no_key)
{
	ck_assert_int_eq(prepare_key().rc, 0);
	map_set_string(node.map, "totem.token", "abc");
	ck_assert_int_eq(commit(), 0);
	ck_assert(FILE_IS_NEW && USES_NEW);
	turn();
	ck_assert(has_logged("Changed keys have no effect: "));
	memset(new_key, 'x', sizeof(new_key));
	ck_assert_int_eq(prepare_key().rc, 0);
	map_set_u32(node.map, "totem.token", 5000);
	ck_assert_int_eq(commit(), 0);
	pause_and_turn();
	ck_assert_uint_eq(seen.token_ns, 5650 * UINT64_C(1000000));
	ck_assert(USES_NEW);
}
END_TEST

/* ---- Ends ---------------------------------------------------------------- */

static struct result forgotten;

START_TEST(an_owner_that_ends_is_not_called)
{
	forgotten = (struct result){.rc = 1};
	ck_assert_int_eq(rotate_prepare(node.rotate, &node, new_key, 256, on_done, &forgotten), 0);
	rotate_forget(node.rotate, &seen); /* no effect: another owner */
	rotate_forget(node.rotate, &node);
	for (int i = 0; i < 500 && rotate_prepare(node.rotate, &node, new_key, 256, on_done, &forgotten) == -EALREADY;
		i++)
		pause_and_turn();
	ck_assert_uint_eq(forgotten.count, 0);
	run_loop();
	ck_assert_uint_eq(forgotten.count, 1);
	rotate_forget(node.rotate, &node);
	/* The file stays: the owner has already reported that the key is prepared. */
	ck_assert(is_in(next_path, new_key, sizeof(new_key)));
	rotate_forget(NULL, &node);
}
END_TEST

static int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	ck_assert_ptr_nonnull(tasks);
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count;
}

START_TEST(the_end_at_any_time)
{
	struct result result = {.rc = 1};
	int before = count_threads();

	ck_assert_int_eq(rotate_prepare(node.rotate, &node, new_key, 256, on_done, &result), 0);
	usleep((useconds_t)_i * 2000);
	rotate_destroy(node.rotate);
	node.rotate = NULL;
	ck_assert_uint_eq(result.count, 0);
	/* The helper thread ends by itself, and removes the file. */
	for (int i = 0; i < 3000 && count_threads() > before; i++)
		usleep(10000);
	ck_assert_int_eq(count_threads(), before);
	ck_assert_int_eq(access(next_path, F_OK), -1);
}
END_TEST

START_TEST(a_file_that_is_left_is_named_at_the_start)
{
	rotate_look(node.config, folder);
	ck_assert_str_eq(seen.log, "");
	write_key(next_path, new_key, sizeof(new_key));
	rotate_look(node.config, folder);
	ck_assert(has_logged("A rotation of the key did not end on this node and has left"));
	ck_assert(has_logged("authkey' and start again"));
}
END_TEST

/* The file of a new key, which the next start of the daemon looks for. */
START_TEST(the_place_of_a_new_key)
{
	char found[256];
	bool is_named;

	ck_assert_int_eq(config_key_place(node.config, "/state", &is_named, found, sizeof(found)), 0);
	ck_assert_str_eq(found, key_path);
	ck_assert(is_named);
	ck_assert_int_eq(config_key_place(node.config, "/state", &is_named, found, 4), -ENAMETOOLONG);
	struct config nameless = *node.config;

	nameless.entry_count = 0;
	nameless.format = CONFIG_FORMAT_COTERIE;
	ck_assert_int_eq(config_key_place(&nameless, "/state", &is_named, found, sizeof(found)), 0);
	ck_assert_str_eq(found, "/state/authkey");
	ck_assert(!is_named);
	nameless.format = CONFIG_FORMAT_COROSYNC;
	ck_assert_int_eq(config_key_place(&nameless, "/state", &is_named, found, sizeof(found)), 0);
	ck_assert_str_eq(found, SYSCONF_DIR "/corosync/authkey");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rotate");
	TCase *tcase = tcase_create("rotate");

	tcase_add_checked_fixture(tcase, set_up_encrypted, tear_down_keys);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_key_changes_with_the_second_step);
	tcase_add_test(tcase, the_former_key_is_wiped);
	tcase_add_test(tcase, a_dropped_key_leaves_no_file);
	tcase_add_test(tcase, a_key_that_is_left_is_replaced_by_the_next);
	tcase_add_test(tcase, one_key_at_a_time);
	tcase_add_test(tcase, the_second_step_waits_for_the_engine);
	tcase_add_test(tcase, sizes_of_keys);
	tcase_add_test(tcase, the_default_file_stays);
	tcase_add_test(tcase, group_rights_to_read_stay);
	tcase_add_test(tcase, a_former_file_and_a_link_in_its_place_are_replaced);
	tcase_add_test(tcase, the_file_that_a_link_names_is_replaced);
	tcase_add_test(tcase, a_file_that_cannot_be_written_is_named);
	tcase_add_test(tcase, a_folder_of_another_user_is_refused);
	tcase_add_test(tcase, a_transport_that_cannot_change_its_key);
	tcase_add_test(tcase, a_closed_folder_is_named);
	tcase_add_test(tcase, another_call_that_is_refused_does_not_blame_the_folder);
	tcase_add_test(tcase, a_rename_that_fails_keeps_the_node_in_the_ring);
	tcase_add_test(tcase, a_key_that_could_not_be_renamed_is_not_lost);
	tcase_add_test(tcase, a_ring_in_clear_has_no_key);
	tcase_add_test(tcase, a_key_in_the_configuration_is_refused);
	tcase_add_test(tcase, a_configuration_that_the_ring_refuses);
	tcase_add_test(tcase, a_refusal_at_the_second_step_keeps_the_key_beside_the_file);
	tcase_add_test(tcase, a_refusal_of_the_transport_keeps_the_key_beside_the_file);
	tcase_add_test(tcase, a_log_that_cannot_be_opened_again_refuses_no_key);
	tcase_add_test(tcase, a_wrong_value_of_a_client_refuses_no_key);
	tcase_add_test(tcase, an_owner_that_ends_is_not_called);
	tcase_add_loop_test(tcase, the_end_at_any_time, 0, 10);
	tcase_add_test(tcase, a_file_that_is_left_is_named_at_the_start);
	tcase_add_test(tcase, the_place_of_a_new_key);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
