/*
 * Values that people and programs write into the map, of whatever type they choose. Linked into the
 * plugins that need it; it keeps no state.
 */
#ifndef PLUGINS_COMMON_KEYS_H
#define PLUGINS_COMMON_KEYS_H

#include <stdint.h>

#include <coterie/plugin.h>

/**
 * A whole number, not negative: of any integer type, or decimal text.
 *
 * @return 0; -ENOENT: no such key; -EINVAL: it is something else
 */
int keys_whole(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key,
	uint64_t *number);

/** Any finite number: of any integer or floating point type, or text. -ENOENT, -EINVAL as above. */
int keys_number(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key,
	double *number);

/** Text, or NULL when there is no such key or it is no text. Borrowed until the key changes. */
const char *keys_text(
	const struct coterie_host *host, struct coterie_ctx *ctx, const char *key);

/** Set a key to text. */
int keys_set_text(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key,
	const char *text);

/**
 * A poll period: 500 to 120000 ms.
 *
 * @param initial_ms  what it is without a key
 * @return 0; -EINVAL: the key is no such number, *period_ms is not changed
 */
int keys_poll_period(const struct coterie_host *host, struct coterie_ctx *ctx, const char *key,
	uint64_t initial_ms, uint64_t *period_ms);

#define KEYS_POLL_PERIOD_MIN_MS 500u
#define KEYS_POLL_PERIOD_MAX_MS 120000u

#endif
