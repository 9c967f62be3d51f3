/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read values that people and programs write into the map, of any type. Linked into the plugins that need these
 * functions, which keep no state.
 */
#ifndef PLUGINS_COMMON_KEYS_H
#define PLUGINS_COMMON_KEYS_H

#include <stdint.h>

#include <coterie/plugin.h>

/**
 * Read a whole number that is not negative, of any integer type or as decimal text.
 * @return 0; -ENOENT: no such key; -EINVAL: the value is not such a number
 */
int keys_whole(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, uint64_t *number);

/** Read a finite number, of any integer or floating point type, or as text. @return as keys_whole */
int keys_number(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, double *number);

/** Return the text of a key. It is borrowed until the key changes. NULL: no such key, or its value is not a text. */
const char *keys_text(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key);

/** Set a key to text. */
int keys_set_text(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, const char *text);

/**
 * Read a poll period: 500 to 120000 ms.
 * @param initial_ms  the result if the key does not exist
 * @return 0; -EINVAL: the value is not such a period, and *period_ms is not changed
 */
int keys_poll_period(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key, uint64_t initial_ms,
	uint64_t *period_ms);

#define KEYS_POLL_PERIOD_MIN_MS 500u
#define KEYS_POLL_PERIOD_MAX_MS 120000u

#endif
