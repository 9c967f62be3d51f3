/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of votes: read the keys of the map, and check that they do not contradict each other. */
#ifndef VOTEQUORUM_CONFIG_H
#define VOTEQUORUM_CONFIG_H

#include "services/votequorum/calc.h"

struct votequorum;

struct votequorum_config {
	/* The following members are read only at the start. */
	bool is_wait_for_all_set; /* false: wait_for_all has the value of two_node */
	bool is_tie_breaker_set;  /* the file requests a tie-breaker, even if its value is not usable */
	enum vote_tie_breaker tie_breaker;
	struct vote_list tie_list; /* VOTE_TIE_LIST: in the order of the key */
	uint32_t window_ms;        /* time of last man standing */

	/* The following members are read again when keys change. */
	bool has_device;
	bool is_device_usable; /* other options do not exclude the device */
	uint32_t device_timeout_ms;
	uint32_t device_sync_timeout_ms;
};

/**
 * Read all options at the start and apply them.
 * @return 0; -EINVAL: the error was logged; -EIO: error of the state file; -ENOMEM
 */
int votequorum_config_start(struct votequorum *vq);

/**
 * Read those options again that may change while the daemon runs. Log errors, with the value that is used. @return 0;
 * -errno: nothing changed
 */
int votequorum_config_reread(struct votequorum *vq);

/** Write the barrier of expected_votes_tracking to the state file within a second, if it has risen. */
void votequorum_config_store(struct votequorum *vq);

/**
 * Write the barrier now, if it has risen, since the service ends. While a file is being stored, this does nothing, and
 * is to be called again. A failure is logged, and writing is tried again every
 * second.
 */
void votequorum_config_flush(struct votequorum *vq);

void votequorum_config_fini(struct votequorum_config *config);

/** Read a key. @return 0; -ENOENT: no such key, or it has another type */
int votequorum_key_u32(const struct votequorum *vq, const char *key, uint32_t *value);
int votequorum_key_u8(const struct votequorum *vq, const char *key, uint8_t *value);

#endif
