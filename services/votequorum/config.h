/*
 * What the configuration says about votes: keys of the map, read and held against each other.
 */
#ifndef VOTEQUORUM_CONFIG_H
#define VOTEQUORUM_CONFIG_H

#include "services/votequorum/calc.h"

struct votequorum;

struct votequorum_config {
	/* Read at the start alone. */
	bool is_wait_for_all_set; /* else it follows two_node */
	bool is_tie_breaker_set; /* the file asks for one; it may have none that works */
	enum vote_tie_breaker tie_breaker;
	struct vote_list tie_list; /* VOTE_TIE_LIST: in the order of the key */
	uint32_t window_ms;        /* of last man standing */

	/* Read again when keys change. */
	bool has_device;
	bool is_device_usable; /* nothing contradicts it */
	uint32_t device_timeout_ms;
	uint32_t device_sync_timeout_ms;
};

/**
 * Read everything at the start and put it in force.
 *
 * @return 0; -EINVAL: what is wrong has been logged; -EIO: the state file; -ENOMEM
 */
int votequorum_config_start(struct votequorum *vq);

/** Read again what may change. What is wrong is logged, and what then holds. @return 0; -errno: all
 * as before */
int votequorum_config_reread(struct votequorum *vq);

/** See to it that the tracking barrier is written to the state file within a second, if it rose. */
void votequorum_config_store(struct votequorum *vq);

/** Write it now, if it rose; for the end. What fails is logged, and tried again each second. */
void votequorum_config_flush(struct votequorum *vq);

void votequorum_config_fini(struct votequorum_config *config);

/** @return 0; -ENOENT: no such key, or of another type */
int votequorum_key_u32(const struct votequorum *vq, const char *key, uint32_t *value);
int votequorum_key_u8(const struct votequorum *vq, const char *key, uint8_t *value);

#endif
