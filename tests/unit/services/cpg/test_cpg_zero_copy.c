/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: buffers that clients share with the service. */
#include "common/closer.h"
#include "services/cpg/cpg.h"
#include "tests/unit/services/cpg/cpg_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct buffer {
	char path[CPG_ZERO_COPY_PATH_SIZE];
	struct cpg_zc_map *map;
	uint64_t size;
	int fd;
};

static struct buffer buffer_create(uint64_t size)
{
	struct buffer buffer = {.path = "/dev/shm/cpg_zero_copy-XXXXXX", .size = size};

	buffer.fd = mkstemp(buffer.path);
	ck_assert_int_ge(buffer.fd, 0);
	ck_assert_int_eq(ftruncate(buffer.fd, (off_t)size), 0);
	buffer.map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.fd, 0);
	ck_assert_ptr_ne(buffer.map, MAP_FAILED);
	return buffer;
}

static void buffer_destroy(struct buffer *buffer)
{
	munmap(buffer->map, buffer->size);
	close(buffer->fd);
	unlink(buffer->path);
}

static int32_t zc_alloc(struct cpg_user *user, const char *path, uint64_t size)
{
	struct cpg_req_zc_alloc req = {.map_size = size};

	user->base.client->uid = getuid();
	/* One of the cases is a path that fills the field, so that there is no NUL. */
	memcpy(req.path, path, strnlen(path, sizeof(req.path)));
	return cpg_user_request(user, CPG_REQ_ZC_ALLOC, &req, sizeof(req));
}

static int32_t zc_execute(struct cpg_user *user, uint64_t token)
{
	struct cpg_req_zc_execute req = {.token = token};

	return cpg_user_request(user, CPG_REQ_ZC_EXECUTE, &req, sizeof(req));
}

static int32_t zc_free(struct cpg_user *user, uint64_t token)
{
	struct cpg_req_zc_free req = {.token = token};

	return cpg_user_request(user, CPG_REQ_ZC_FREE, &req, sizeof(req));
}

START_TEST(a_shared_buffer_is_sent_again_and_again)
{
	struct buffer buffer = buffer_create(4096);

	join_all("12");
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), OK);
	ck_assert_int_eq(access(buffer.path, F_OK), -1);
	ck_assert_uint_ne(buffer.map->token, 0);
	for (int i = 0; i < 3; i++) {
		buffer.map->request.msglen = 5;
		memcpy(buffer.map->request.message, "hello", 5);
		buffer.map->request.message[4] = (uint8_t)('0' + i);
		buffer.map->request.guarantee = (uint32_t)i + 1;
		ck_assert_int_eq(zc_execute(&users[0], buffer.map->token), OK);
		ck_assert_uint_eq(host(1)->sent.list[0].guarantee, i + 1 == 3 ? COTERIE_SAFE : COTERIE_AGREED);
		memset(buffer.map->request.message, 0, 5);
		service_ring_run(&ring);
		char want[] = "deliver grp 1:10 hell0";

		want[21] = (char)('0' + i);
		expect(users[1], want);
	}
	users[0].base.client->is_held = true;
	ck_assert_int_eq(zc_execute(&users[0], buffer.map->token), TRY_AGAIN);
	ck_assert_int_eq(zc_free(&users[0], buffer.map->token), OK);
	ck_assert_int_eq(zc_free(&users[0], buffer.map->token), INVALID);
	ck_assert_int_eq(zc_execute(&users[0], buffer.map->token), INVALID);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(a_shared_buffer_is_checked_before_each_use)
{
	struct buffer buffer = buffer_create(2000000);
	uint64_t token;

	join_all("12");
	users[2] = cpg_user_create(&ring, 1, 30);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 2000000), OK);
	token = buffer.map->token;
	ck_assert_int_eq(zc_execute(&users[0], token + 1), INVALID);
	ck_assert_int_eq(zc_execute(&users[0], (uint64_t)(uintptr_t)&users), INVALID);
	ck_assert_int_eq(zc_execute(&users[2], token), INVALID); /* another client's buffer */
	ck_assert_int_eq(zc_free(&users[2], token), INVALID);
	buffer.map->token = 0; /* the client may write any value there */
	buffer.map->map_size = -1;
	buffer.map->request.msglen = CPG_ATOMIC_SIZE_MAX;
	ck_assert_int_eq(zc_execute(&users[0], token), OK);
	buffer.map->request.msglen = CPG_ATOMIC_SIZE_MAX + 1;
	ck_assert_int_eq(zc_execute(&users[0], token), TOO_BIG);
	buffer.map->request.msglen = 2000000 - 55;
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	buffer.map->request.msglen = UINT32_MAX;
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);

	buffer.map->request.msglen = 100000;
	ck_assert_int_eq(ftruncate(buffer.fd, 1000), 0);
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	ck_assert_int_eq(ftruncate(buffer.fd, 0), 0);
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	ck_assert_int_eq(ftruncate(buffer.fd, 2000000), 0);
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	ck_assert_int_eq(zc_execute(&users[0], token), NOT_EXIST);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(only_a_plain_file_of_the_client_becomes_a_buffer)
{
	struct buffer buffer = buffer_create(4096);
	char other[CPG_ZERO_COPY_PATH_SIZE + 8];
	char path[256];

	join_all("1");
	ck_assert_int_eq(zc_alloc(&users[0], "/dev/null", 4096), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], "/tmp", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/dev/shm", 4096), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], "", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "relative/path", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/dev/shm/is/not/there", 4096), ACCESS);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[200] = '\0';
	ck_assert_int_eq(zc_alloc(&users[0], path, 4096), INVALID); /* no NUL within the field */

	/* Refuse sizes that do not fit the header, the file, or a mapping. */
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 55), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4097), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, UINT64_MAX), INVALID);
	ck_assert_int_eq(access(buffer.path, F_OK), 0); /* refused files are not removed */

	snprintf(other, sizeof(other), "%s.l", buffer.path);
	ck_assert_int_eq(symlink(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(link(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	/* A file that would block its opener (a pipe) is refused at once. */
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS);
	unlink(other);

	struct cpg_req_zc_alloc req = {.map_size = 4096};

	memcpy(req.path, buffer.path, sizeof(req.path));
	users[0].base.client->uid = getuid() + 1;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), OK);
	buffer_destroy(&buffer);
}
END_TEST

#define BUFFERS 2048

/* Allocate a buffer in a new file that has a name like the library's. The file is not mapped by the test. */
static int32_t zc_alloc_new(struct cpg_user *user, uint64_t file_size, uint64_t map_size, char path[64])
{
	strcpy(path, "/dev/shm/corosync_zerocopy-XXXXXX");

	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)file_size), 0);
	close(fd);
	return zc_alloc(user, path, map_size);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 3 * BUFFERS; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Wait until this number of descriptors is open: a thread closes files. */
static void await_descriptors(int count)
{
	for (int i = 0; i < 5000 && open_descriptors() != count; i++)
		usleep(1000);
	ck_assert_int_eq(open_descriptors(), count);
}

/* Limit the number of descriptors. @return whether the limit was set */
static bool set_descriptors(rlim_t count)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return limit.rlim_cur == count;
}

/*
 * The daemon has rights that the client does not have. So the answer must not show whether a name exists that the
 * client may not see.
 */
START_TEST(a_refusal_does_not_show_which_names_exist)
{
	char closed[] = "/dev/shm/coterie-closed-XXXXXX", path[96];
	static const char *const names[] = {"there", "absent", "folder/absent", "there/absent", "folder"};
	struct cpg_req_zc_alloc req = {.map_size = 4096};

	join_all("1");
	ck_assert_ptr_nonnull(mkdtemp(closed)); /* mode 0700 */
	snprintf(path, sizeof(path), "%s/there", closed);
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/folder", closed);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	users[0].base.client->uid = getuid() + 1;
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		snprintf(req.path, sizeof(req.path), "%s/%s", closed, names[i / 2]);
		req.map_size = i % 2 == 0 ? 4096 : 8192;
		ck_assert_msg(
			cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)) == ACCESS, "%s", names[i / 2]);
	}
	ck_assert_int_eq(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/there", closed);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(closed), 0);
}
END_TEST

/*
 * The daemon must not wait for the file system that a client names. Folders elsewhere get the answer of a missing folder.
 */
START_TEST(folders_are_in_memory)
{
	char path[] = "coterie-zero-XXXXXX", here[64], full[128];
	struct stat folder, shm;
	int fd = mkstemp(path);

	join_all("1");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	ck_assert_int_eq(zc_alloc(&users[0], "/proc/self/fd/0", 4096), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], "/sys/kernel/notes", 4096), ACCESS);
	ck_assert_int_eq(stat(".", &folder) + stat("/dev/shm", &shm), 0);
	if (getcwd(here, sizeof(here)) != NULL && folder.st_dev != shm.st_dev) {
		snprintf(full, sizeof(full), "%s/%s", here, path);
		ck_assert_int_eq(zc_alloc(&users[0], full, 4096), ACCESS);
		ck_assert_int_eq(access(path, F_OK), 0);
	}
	ck_assert_int_eq(unlink(path) + close(fd), 0);
}
END_TEST

static struct cpg *cpg_of(uint32_t nodeid) { return ring.nodes[nodeid].self; }

static void await_closed(uint64_t count)
{
	while (closer_count(cpg_of(1)->closer) < count)
		usleep(1000);
	ck_assert_uint_eq(closer_count(cpg_of(1)->closer), count);
}

/*
 * The last descriptor of a file frees its pages, which are as many as the client likes. So a thread closes all
 * descriptors: of a buffer two, and of a refused file one or two.
 */
START_TEST(files_of_clients_are_closed_on_a_thread)
{
	int before = open_descriptors();
	char path[64];

	if (service_is_replaced())
		return; /* the closed files are counted in the memory of one instance */
	join_all("1");
	ck_assert_ptr_null(cpg_of(1)->closer);
	ck_assert_int_eq(zc_alloc_new(&users[0], 4096, 4096, path), OK);
	await_closed(1);
	ck_assert_int_eq(zc_alloc_new(&users[0], 4096, 1, path), INVALID); /* the name is removed */
	await_closed(3);
	ck_assert_int_eq(zc_alloc_new(&users[0], 4 << 20, 4 << 20, path), OK);
	await_closed(4);
	ck_assert_int_eq(zc_free(&users[0], cpg_of(1)->next_token - 1), OK);
	await_closed(5);
	cpg_user_close(&users[0]);
	await_closed(6);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(buffers_of_a_client_are_bounded_and_end_with_it)
{
	char path[64];

	if (!set_descriptors(5 * BUFFERS))
		return; /* descriptors_are_left_for_others tests this case */
	join_all("1");
	int before = open_descriptors();
	for (int i = 0; i < BUFFERS + 1; i++) {
		ck_assert_int_eq(zc_alloc_new(&users[0], 64, 64, path), i < BUFFERS ? OK : NO_MEMORY);
		ck_assert_int_eq(access(path, F_OK), -1); /* Debian's library leaves a file that is refused */
	}
	await_descriptors(before + BUFFERS);
	cpg_user_close(&users[0]);
	await_descriptors(before);
}
END_TEST

START_TEST(a_user_has_a_share_of_the_bytes)
{
	const uint64_t size = UINT64_C(400) << 20;
	char path[64];

	join_all("11");
	users[1].base.client->uid = getuid();
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(zc_alloc_new(&users[i], size, size, path), OK);
	ck_assert_int_eq(zc_alloc_new(&users[0], size, size, path), NO_MEMORY);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(zc_alloc_new(&users[0], size, 1000, path), OK);
	cpg_user_close(&users[1]);
	ck_assert_int_eq(zc_alloc_new(&users[0], size, size, path), OK);
}
END_TEST

START_TEST(descriptors_are_left_for_others)
{
	char path[64];
	int count = 0;

	ck_assert(set_descriptors(400));
	join_all("1");
	while (count < 400 && zc_alloc_new(&users[0], 64, 64, path) == OK)
		count++;
	ck_assert_int_eq(count, 100);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* The daemon removes a file's name only if the client could remove it itself. */
START_TEST(a_refused_file_goes_if_it_is_the_clients_and_named_as_such)
{
	struct buffer buffer = buffer_create(4096);
	char path[64], other[80];

	join_all("1");
	ck_assert_int_eq(zc_alloc_new(&users[0], 64, 65, path), INVALID);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(zc_alloc_new(&users[0], 64, 3, path), INVALID);
	ck_assert_int_eq(access(path, F_OK), -1);
	/* Names that stay: another name, a symbolic link, a file with a second name, and a folder. */
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4097), INVALID);
	ck_assert_int_eq(access(buffer.path, F_OK), 0);
	snprintf(path, sizeof(path), "/dev/shm/corosync_zerocopy-%d", (int)getpid());
	ck_assert_int_eq(symlink(buffer.path, path), 0);
	ck_assert_int_eq(zc_alloc(&users[0], path, 4097), ACCESS);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(link(buffer.path, path), 0);
	ck_assert_int_eq(zc_alloc(&users[0], path, 4097), ACCESS);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(zc_alloc(&users[0], path, 4097), ACCESS);
	ck_assert_int_eq(rmdir(path), 0);
	/* The file belongs to another user than the client. */
	struct cpg_req_zc_alloc req = {.map_size = 4097};

	snprintf(other, sizeof(other), "%s", path);
	ck_assert_int_eq(rename(buffer.path, other), 0);
	snprintf(req.path, sizeof(req.path), "%s", other);
	users[0].base.client->uid = getuid() + 1;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)), ACCESS);
	ck_assert_int_eq(unlink(other), 0);
	buffer_destroy(&buffer);
}
END_TEST

/* A daemon of root must not remove the client's file from a folder of root: the client could not remove it there. */
START_TEST(no_name_goes_where_the_client_may_not_remove_it)
{
	static const struct {
		uint32_t folder_uid, folder_gid, mode;
		int32_t answer;
	} rows[] = {
		{0, 0, 0755, ACCESS},
		{0, 0, 0775, ACCESS},
		{1000, 0, 0555, ACCESS},
		{1000, 0, 0755, OK},
		{0, 1000, 0755, ACCESS},
		{0, 1000, 0775, OK},
		{0, 0, 01777, OK},
	};
	char folder[] = "/dev/shm/coterie-zero-XXXXXX", path[96];
	struct cpg_req_zc_alloc req = {.map_size = 4096};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	if (chown(folder, 1000, 1000) < 0) { /* not root: this test may not change the owner of files */
		ck_assert_int_eq(rmdir(folder), 0);
		return;
	}
	join_all("1");
	users[0].base.client->uid = users[0].base.client->gid = 1000;
	snprintf(path, sizeof(path), "%s/corosync_zerocopy-mine", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(ftruncate(fd, 4096) + fchown(fd, 1000, 1000), 0);
		close(fd);
		ck_assert_int_eq(
			chown(folder, rows[i].folder_uid, rows[i].folder_gid) + chmod(folder, rows[i].mode), 0);
		snprintf(req.path, sizeof(req.path), "%s", path);
		ck_assert_msg(cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)) == rows[i].answer,
			"row %zu", i);
		ck_assert_int_eq(access(path, F_OK), rows[i].answer == OK ? -1 : 0);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_zero_copy");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, a_shared_buffer_is_sent_again_and_again);
	tcase_add_test(tcase, a_shared_buffer_is_checked_before_each_use);
	tcase_add_test(tcase, only_a_plain_file_of_the_client_becomes_a_buffer);
	tcase_add_test(tcase, a_refusal_does_not_show_which_names_exist);
	tcase_add_test(tcase, folders_are_in_memory);
	tcase_add_test(tcase, files_of_clients_are_closed_on_a_thread);
	tcase_add_test(tcase, buffers_of_a_client_are_bounded_and_end_with_it);
	tcase_add_test(tcase, a_user_has_a_share_of_the_bytes);
	tcase_add_test(tcase, descriptors_are_left_for_others);
	tcase_add_test(tcase, a_refused_file_goes_if_it_is_the_clients_and_named_as_such);
	tcase_add_test(tcase, no_name_goes_where_the_client_may_not_remove_it);
	return suite_run(suite);
}
