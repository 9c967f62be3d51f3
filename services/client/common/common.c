/*
 * libcorosync_common: names of error codes, and the codes for an errno.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#pragma GCC visibility push(default)
#include <corosync/corotypes.h>
#pragma GCC visibility pop

struct error_row {
	int errno_value;
	cs_error_t code;
};

/* Errors that are not listed become CS_ERR_LIBRARY: the connection cannot be used any more. */
static const struct error_row channel_errors[] = {
	{EBADF, CS_ERR_BAD_HANDLE},
	{ENOMEM, CS_ERR_NO_MEMORY},
	{EAGAIN, CS_ERR_TRY_AGAIN},
	{ENOMSG, CS_ERR_TRY_AGAIN},
	{ENOBUFS, CS_ERR_TRY_AGAIN},
	{ETIMEDOUT, CS_ERR_TRY_AGAIN},
	{EBADE, CS_ERR_FAILED_OPERATION},
	{ETIME, CS_ERR_TIMEOUT},
	{EINVAL, CS_ERR_INVALID_PARAM},
	{EBUSY, CS_ERR_BUSY},
	{EACCES, CS_ERR_ACCESS},
	{EOVERFLOW, CS_ERR_NAME_TOO_LONG},
	{EEXIST, CS_ERR_EXIST},
	{ENOSPC, CS_ERR_NO_SPACE},
	{EINTR, CS_ERR_INTERRUPT},
	{ENOENT, CS_ERR_NOT_EXIST},
	{ENODEV, CS_ERR_NOT_EXIST},
	{ENOSYS, CS_ERR_NOT_SUPPORTED},
	{EOPNOTSUPP, CS_ERR_NOT_SUPPORTED},
	{ENOTSUP, CS_ERR_NOT_SUPPORTED},
	{EBADMSG, CS_ERR_MESSAGE_ERROR},
	{EMSGSIZE, CS_ERR_TOO_BIG},
	{E2BIG, CS_ERR_TOO_BIG},
};

static const struct error_row table_errors[] = {
	{EBADF, CS_ERR_BAD_HANDLE},
	{ENOMEM, CS_ERR_NO_MEMORY},
	{EMFILE, CS_ERR_NO_RESOURCES},
	{EACCES, CS_ERR_ACCESS},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static cs_error_t error_find(const struct error_row *rows, size_t count, int result)
{
	for (size_t i = 0; i < count; i++)
		if (result == -rows[i].errno_value)
			return rows[i].code;
	return CS_ERR_LIBRARY;
}

cs_error_t qb_to_cs_error(int result)
{
	if (result >= 0)
		return CS_OK;
	return error_find(channel_errors, COUNT(channel_errors), result);
}

cs_error_t hdb_error_to_cs(int res)
{
	if (res == 0)
		return CS_OK;
	return error_find(table_errors, COUNT(table_errors), res);
}

/* Return the text of a code. Except for success, it is the code's name. */
const char *cs_strerror(cs_error_t err)
{
#define NAME(code) \
	case code: \
		return #code
	switch (err) {
	case CS_OK:
		return "success";
		NAME(CS_ERR_LIBRARY);
		NAME(CS_ERR_VERSION);
		NAME(CS_ERR_INIT);
		NAME(CS_ERR_TIMEOUT);
		NAME(CS_ERR_TRY_AGAIN);
		NAME(CS_ERR_INVALID_PARAM);
		NAME(CS_ERR_NO_MEMORY);
		NAME(CS_ERR_BAD_HANDLE);
		NAME(CS_ERR_BUSY);
		NAME(CS_ERR_ACCESS);
		NAME(CS_ERR_NOT_EXIST);
		NAME(CS_ERR_NAME_TOO_LONG);
		NAME(CS_ERR_EXIST);
		NAME(CS_ERR_NO_SPACE);
		NAME(CS_ERR_INTERRUPT);
		NAME(CS_ERR_NAME_NOT_FOUND);
		NAME(CS_ERR_NO_RESOURCES);
		NAME(CS_ERR_NOT_SUPPORTED);
		NAME(CS_ERR_BAD_OPERATION);
		NAME(CS_ERR_FAILED_OPERATION);
		NAME(CS_ERR_MESSAGE_ERROR);
		NAME(CS_ERR_QUEUE_FULL);
		NAME(CS_ERR_QUEUE_NOT_AVAILABLE);
		NAME(CS_ERR_BAD_FLAGS);
		NAME(CS_ERR_TOO_BIG);
		NAME(CS_ERR_NO_SECTIONS);
		NAME(CS_ERR_CONTEXT_NOT_FOUND);
		NAME(CS_ERR_TOO_MANY_GROUPS);
		NAME(CS_ERR_SECURITY);
	}
#undef NAME
	return "unknown error"; /* err is no value of cs_error_t */
}
