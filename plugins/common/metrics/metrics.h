/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics of a daemon as OpenMetrics text: names, help and layout. The plugin metrics uses these functions
 * inside the daemon, and `coterie-ctl metrics` uses them through the client libraries. Only the source differs. If both
 * sources find the same values, the texts are equal. These files keep no state.
 */
#ifndef PLUGINS_COMMON_METRICS_METRICS_H
#define PLUGINS_COMMON_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#define METRICS_VALUE_MAX 256u /* bytes of the longest value that is read, NUL included */

/** The state of a voter. The numbers are those of the client API. */
enum metrics_voter {
	METRICS_VOTER_MEMBER = 1,
	METRICS_VOTER_DEAD = 2,
	METRICS_VOTER_LEAVING = 3,
};

/** The data of a vote counter: coterie_quorum_*. */
struct metrics_votes {
	uint32_t votes, expected; /* votes of the requested node, and the votes that it expects */
	enum metrics_voter state; /* state of the requested node */
	uint32_t highest_expected, total, quorum;
	uint32_t flags; /* VOTEQUORUM_INFO_* of the client API */
	uint32_t device_votes;
	char device[256]; /* name of the quorum device; "": none */
};

/* Results of metrics_source.quorate for a node that has no verdict about quorum. */
#define METRICS_QUORATE_NO_PROVIDER (-1)
/* The ring has no verdict yet, or the lease has lapsed: requests that need quorum wait. */
#define METRICS_QUORATE_NOT_KNOWN (-2)

/**
 * The source of the figures, for the text and for the answers in JSON (plugins/common/answers). Each call may fail.
 * Then the figures that depend on the call are left out.
 */
struct metrics_source {
	void *arg;
	/**
	 * Read a value of a map (COTERIE_MAP_CONFIG, COTERIE_MAP_STATS).
	 * @param type   out: COTERIE_MAP_I8 ..
	 * @param bytes  room for METRICS_VALUE_MAX, zeroed
	 * @return false: no such key, or a longer value
	 */
	bool (*read)(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes);
	/**
	 * Call see(see_arg, key) for the keys with this prefix, in ascending order, until it returns false. see() may
	 * call read().
	 */
	void (*each)(void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key),
		void *see_arg);
	bool (*ring)(void *arg, struct coterie_ring_id *ring);
	int (*quorate)(void *arg); /* @return 1 or 0; METRICS_QUORATE_*: there is no verdict */
	bool (*votes)(void *arg, uint32_t nodeid, struct metrics_votes *votes); /* nodeid 0: this node */
	/** Get the transport's status of a node. The caller has zeroed *status and set its size. */
	bool (*links)(void *arg, uint32_t nodeid, struct coterie_node_status *status);
	uint32_t (*local)(void *arg); /* node id of this node */
};

enum metrics_format {
	METRICS_OPENMETRICS, /* version 1.0.0 */
	METRICS_PROMETHEUS,  /* text format 0.0.4, for collectors that cannot read OpenMetrics */
};

struct metrics_options {
	enum metrics_format format;
	bool is_per_client;    /* write samples of every client, with labels pid and program */
	bool has_legacy_names; /* also write the names that dashboards for Corosync use */
};

/** A text that grows up to a limit. */
struct metrics_text {
	char *bytes; /* NUL-terminated after the first write. metrics_text_fini frees it */
	size_t size, capacity;
	size_t size_max; /* set by the caller; 0: no limit */
	int error;       /* 0; -ENOMEM; -EMSGSIZE: the limit was reached. After an error no more text is written */
};

void metrics_text_fini(struct metrics_text *text);

/**
 * Write all figures of the source.
 * @param text  zeroed except for size_max. It may already have text: the figures are written behind it
 * @return 0; -ENOMEM; -EMSGSIZE: the text is incomplete and must not be used
 */
int metrics_render(
	const struct metrics_source *source, const struct metrics_options *options, struct metrics_text *text);

/** Protection of the ring's packets on the network. */
enum metrics_protection {
	METRICS_PROTECTION_UNKNOWN,       /* the transport belongs to another plugin, or no address is configured */
	METRICS_PROTECTION_LOOPBACK,      /* packets are not encrypted, but all addresses are of the loopback */
	METRICS_PROTECTION_NONE,          /* other hosts on the network can read and forge the packets */
	METRICS_PROTECTION_AUTHENTICATED, /* other hosts can read the packets, not forge them: knet with a hash and
					   * without a cipher */
	METRICS_PROTECTION_ENCRYPTED,
};

/** Determine the protection from the configuration map. */
enum metrics_protection metrics_protection(const struct metrics_source *source);

/** Return the value of the header Content-Type. */
const char *metrics_content_type(enum metrics_format format);

#endif
