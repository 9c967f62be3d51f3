/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of votes: reads the keys of the map and checks them against each other. */
#ifndef VOTEQUORUM_CONFIG_H
#define VOTEQUORUM_CONFIG_H

#include "services/votequorum/calc.h"

struct votequorum;

struct votequorum_config {
	/* Read only at the start. */
	bool is_wait_for_all_set; /* otherwise it follows two_node */
	bool is_tie_breaker_set;  /* the file requests one, which may be unusable */
	enum vote_tie_breaker tie_breaker;
	struct vote_list tie_list; /* VOTE_TIE_LIST: in the order of the key */
	uint32_t window_ms;        /* of last man standing */

	/* Read again when keys change. */
	bool has_device;
	bool is_device_usable; /* no contradiction prevents its use */
	uint32_t device_timeout_ms;
	uint32_t device_sync_timeout_ms;
};

/**
 * Read everything at the start and apply it.
 * @return 0; -EINVAL: the error was logged; -EIO: the state file; -ENOMEM
 */
int votequorum_config_start(struct votequorum *vq);

/**
 * Read the changeable options again. Errors are logged, with the value that is used. @return 0;
 * -errno: nothing changed
 */
int votequorum_config_reread(struct votequorum *vq);

/** Write the barrier of expected_votes_tracking to the state file within a second, if it has risen. */
void votequorum_config_store(struct votequorum *vq);

/**
 * Write it now, if it rose, before the end. A failure is logged, and writing is repeated each
 * second.
 */
void votequorum_config_flush(struct votequorum *vq);

void votequorum_config_fini(struct votequorum_config *config);

/** @return 0; -ENOENT: no such key, or of another type */
int votequorum_key_u32(const struct votequorum *vq, const char *key, uint32_t *value);
int votequorum_key_u8(const struct votequorum *vq, const char *key, uint8_t *value);

#endif
