/* The CPG service: buffers that clients share with it. */
#include "tests/unit/cpg_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	struct buffer buffer = {.path = "/tmp/cpg_zero_copy-XXXXXX", .size = size};

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
	/* Without an end when it is too long: that is a case. */
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
		ck_assert_uint_eq(host(1)->sent.list[0].guarantee,
			i + 1 == 3 ? COTERIE_SAFE : COTERIE_AGREED);
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
	ck_assert_int_eq(zc_execute(&users[2], token), INVALID); /* somebody else's */
	ck_assert_int_eq(zc_free(&users[2], token), INVALID);
	buffer.map->token = 0; /* what the client writes there does not matter */
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
	ck_assert_int_eq(zc_alloc(&users[0], "/tmp/is/not/there", 4096), NOT_EXIST);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[200] = '\0';
	ck_assert_int_eq(zc_alloc(&users[0], path, 4096), INVALID); /* no end within the field */

	/* Sizes: of the request against the header, the file and what a map can say. */
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 55), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4097), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, UINT64_MAX), INVALID);
	ck_assert_int_eq(access(buffer.path, F_OK), 0); /* refused files stay */

	snprintf(other, sizeof(other), "%s.l", buffer.path);
	ck_assert_int_eq(symlink(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(link(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS); /* and does not block */
	unlink(other);

	struct cpg_req_zc_alloc req = {.map_size = 4096};

	memcpy(req.path, buffer.path, sizeof(req.path));
	users[0].base.client->uid = getuid() + 1;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), OK);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(buffers_of_a_client_are_bounded_and_end_with_it)
{
	struct buffer buffers[65];

	join_all("1");
	for (int i = 0; i < 65; i++) {
		buffers[i] = buffer_create(64);
		ck_assert_int_eq(zc_alloc(&users[0], buffers[i].path, 64), i < 64 ? OK : NO_MEMORY);
	}

	int before = open("/dev/null", O_RDONLY);

	close(before);
	cpg_user_close(&users[0]);

	int after = open("/dev/null", O_RDONLY);

	ck_assert_int_lt(after, before); /* descriptors are free again */
	close(after);
	for (int i = 0; i < 65; i++)
		buffer_destroy(&buffers[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_zero_copy");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, a_shared_buffer_is_sent_again_and_again);
	tcase_add_test(tcase, a_shared_buffer_is_checked_before_each_use);
	tcase_add_test(tcase, only_a_plain_file_of_the_client_becomes_a_buffer);
	tcase_add_test(tcase, buffers_of_a_client_are_bounded_and_end_with_it);
	return suite_run(suite);
}
