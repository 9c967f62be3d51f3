/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/common/keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A copy of a value of the map: the map's own bytes may be unaligned. */
struct raw {
	uint32_t type, size;
	char bytes[64];
};

static int raw_get(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, struct raw *raw)
{
	const void *value;

	if (host->map_get(ctx, key, &raw->type, &value, &raw->size) < 0)
		return -ENOENT;
	/* The last byte stays 0. A longer text is longer than any number, so it is rejected. */
	if (raw->size >= sizeof(raw->bytes))
		return -EINVAL;
	memset(raw->bytes, 0, sizeof(raw->bytes));
	memcpy(raw->bytes, value, raw->size);
	return 0;
}

#define AS(ctype, raw) \
	({ \
		ctype as_value; \
		memcpy(&as_value, (raw)->bytes, sizeof(as_value)); \
		as_value; \
	})

static int whole_of_text(const char *text, uint64_t *number)
{
	char *end;

	/* strtoull would accept blanks and signs, and it would wrap negative numbers around. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

static int not_negative(int64_t value, uint64_t *number)
{
	*number = (uint64_t)value;
	return value < 0 ? -EINVAL : 0;
}

int keys_whole(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, uint64_t *number)
{
	struct raw raw;
	int rc = raw_get(host, ctx, key, &raw);

	if (rc < 0)
		return rc;
	switch (raw.type) {
	case COTERIE_MAP_U8:
		*number = AS(uint8_t, &raw);
		return 0;
	case COTERIE_MAP_U16:
		*number = AS(uint16_t, &raw);
		return 0;
	case COTERIE_MAP_U32:
		*number = AS(uint32_t, &raw);
		return 0;
	case COTERIE_MAP_U64:
		*number = AS(uint64_t, &raw);
		return 0;
	case COTERIE_MAP_I8:
		return not_negative(AS(int8_t, &raw), number);
	case COTERIE_MAP_I16:
		return not_negative(AS(int16_t, &raw), number);
	case COTERIE_MAP_I32:
		return not_negative(AS(int32_t, &raw), number);
	case COTERIE_MAP_I64:
		return not_negative(AS(int64_t, &raw), number);
	case COTERIE_MAP_STRING:
		return whole_of_text(raw.bytes, number);
	}
	return -EINVAL;
}

int keys_number(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, double *number)
{
	struct raw raw;
	uint64_t whole;
	char *end;
	int rc = raw_get(host, ctx, key, &raw);

	if (rc < 0)
		return rc;
	switch (raw.type) {
	case COTERIE_MAP_FLOAT:
		*number = (double)AS(float, &raw);
		break;
	case COTERIE_MAP_DOUBLE:
		*number = AS(double, &raw);
		break;
	case COTERIE_MAP_STRING:
		*number = strtod(raw.bytes, &end);
		if (end == raw.bytes || *end != '\0')
			return -EINVAL;
		break;
	default:
		rc = keys_whole(host, ctx, key, &whole);
		if (rc < 0)
			return rc;
		*number = (double)whole;
	}
	return isfinite(*number) ? 0 : -EINVAL;
}

const char *keys_text(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key)
{
	const void *value;
	uint32_t type;

	if (host->map_get(ctx, key, &type, &value, NULL) < 0 || type != COTERIE_MAP_STRING)
		return NULL;
	return value;
}

int keys_set_text(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, const char *text)
{
	return host->map_set(ctx, key, COTERIE_MAP_STRING, text, (uint32_t)strlen(text) + 1);
}

int keys_poll_period(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, uint64_t initial_ms,
	uint64_t *period_ms)
{
	uint64_t period;
	int rc = keys_whole(host, ctx, key, &period);

	if (rc == -ENOENT)
		period = initial_ms;
	else if (rc < 0 || period < KEYS_POLL_PERIOD_MIN_MS || period > KEYS_POLL_PERIOD_MAX_MS)
		return -EINVAL;
	*period_ms = period;
	return 0;
}
