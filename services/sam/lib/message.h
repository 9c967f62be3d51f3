/*
 * Messages between a supervised process and its supervisor, over a socket pair made before the fork. Both processes run
 * the same program, so messages need no version and no fixed byte order.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_MESSAGE_H
#define SERVICES_SAM_LIB_MESSAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Messages of the child. The supervisor answers each with one struct sam_answer, except SAM_COMMAND_ALIVE. */
enum sam_command {
	SAM_COMMAND_ALIVE = 1,
	SAM_COMMAND_START,
	SAM_COMMAND_STOP,
	SAM_COMMAND_WARN_SIGNAL,
	SAM_COMMAND_DATA_STORE, /* size bytes follow */
	SAM_COMMAND_MARK_FAILED,
};

/* Most bytes that a supervisor stores or reads. */
#define SAM_DATA_SIZE_MAX (UINT64_C(1) << 30)

struct sam_message {
	uint32_t command; /* enum sam_command */
	int32_t signal;   /* used by SAM_COMMAND_WARN_SIGNAL */
	uint64_t size;    /* bytes that follow */
};

struct sam_answer {
	int32_t error; /* cs_error_t */
};

/**
 * Write all bytes. Wait if the socket has no room.
 * @param flags flags of send(2)
 * @return 0; negative errno
 */
int message_write(int fd, const void *bytes, size_t size, int flags);

/** Read exactly `size` bytes. @return 0; -EPIPE: the other side has ended; another negative errno */
int message_read(int fd, void *bytes, size_t size);

#endif
