/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/tool/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static void changed(cmap_handle_t map, cmap_track_handle_t track, int32_t event, const char *key,
	struct cmap_notify_value new_value, struct cmap_notify_value old_value, void *user_data)
{
	const struct key_format *format = user_data;
	const struct cmap_notify_value *shown = &new_value;

	(void)map;
	(void)track;
	switch (event) {
	case CMAP_TRACK_ADD:
		printf("create> ");
		break;
	case CMAP_TRACK_DELETE:
		printf("delete> ");
		shown = &old_value;
		break;
	case CMAP_TRACK_MODIFY:
		printf("modify> ");
		break;
	default:
		printf("unknown change> ");
		break;
	}
	key_print(format, key, shown->type, shown->data, shown->len);
}

/* Read standard input. Return whether it has ended, or a line starts with q. */
static bool is_finished(bool *at_line_start)
{
	char typed[256];
	ssize_t size = read(STDIN_FILENO, typed, sizeof(typed));

	if (size < 0 && errno == EINTR)
		return false;
	if (size <= 0)
		return true;
	for (ssize_t i = 0; i < size; i++) {
		if (*at_line_start && typed[i] == 'q')
			return true;
		*at_line_start = typed[i] == '\n';
	}
	return false;
}

static void wait_for_end(cmap_handle_t map, int fd)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};
	bool at_line_start = true;

	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("poll");
			return;
		}
		/* Print changes before input is read, so that changes before the end of the input are printed. */
		if (fds[0].revents != 0) {
			cs_error_t rc = cmap_dispatch(map, CS_DISPATCH_ALL);

			if (rc != CS_OK) {
				fprintf(stderr, "Dispatch error %s\n", cs_strerror(rc));
				return;
			}
		}
		if (fds[1].revents != 0 && is_finished(&at_line_start))
			return;
	}
}

bool keys_follow(cmap_handle_t map, const struct key_format *format, char *const *keys, int count, bool by_prefix)
{
	int32_t events = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY | (by_prefix ? CMAP_TRACK_PREFIX : 0);
	struct key_format callback_format = *format;
	cmap_track_handle_t track;
	int fd;
	cs_error_t rc;

	/* Use line buffering, so that a reader at a pipe gets each line at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < count; i++) {
		rc = cmap_track_add(map, keys[i], events, changed, &callback_format, &track);
		if (rc != CS_OK) {
			fprintf(stderr, "Failed to add tracking function. Error %s\n", cs_strerror(rc));
			return false;
		}
	}
	rc = cmap_fd_get(map, &fd);
	if (rc != CS_OK) {
		fprintf(stderr, "Failed to get file handle. Error %s\n", cs_strerror(rc));
		return false;
	}
	printf("Type \"q\" to finish\n");
	wait_for_end(map, fd);
	return true;
}
