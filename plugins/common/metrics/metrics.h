/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics of a daemon as OpenMetrics text: names, help and layout. The plugin metrics uses it inside
 * the daemon, and `coterie-ctl metrics` through the client libraries. Only the source differs. If both
 * sources find the same values, the texts are equal. These files keep no state.
 */
#ifndef PLUGINS_COMMON_METRICS_METRICS_H
#define PLUGINS_COMMON_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#define METRICS_VALUE_MAX 256u /* longest value that is read, NUL included */

/** The state of a voter. The numbers are those of the client API. */
enum metrics_voter {
	METRICS_VOTER_MEMBER = 1,
	METRICS_VOTER_DEAD = 2,
	METRICS_VOTER_LEAVING = 3,
};

/** The data of a vote counter: coterie_quorum_*. */
struct metrics_votes {
	uint32_t votes, expected; /* of the requested node */
	enum metrics_voter state; /* the same */
	uint32_t highest_expected, total, quorum;
	uint32_t flags; /* VOTEQUORUM_INFO_* of the client API */
	uint32_t device_votes;
	char device[256]; /* name of the quorum device; "": none */
};

/**
 * The source of the figures, for the text and for the answers in JSON (plugins/common/answers). Each call may
 * fail. Then the figures that depend on it are left out.
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
	 * Call see(see_arg, key) for the keys with this prefix, ascending, until it returns false. see may read.
	 */
	void (*each)(void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key),
		void *see_arg);
	bool (*ring)(void *arg, struct coterie_ring_id *ring);
	int (*quorate)(void *arg);                                              /* 1 or 0, or -1 without a provider */
	bool (*votes)(void *arg, uint32_t nodeid, struct metrics_votes *votes); /* nodeid 0: this node */
	/** The caller has zeroed status and set its size. */
	bool (*links)(void *arg, uint32_t nodeid, struct coterie_node_status *status);
	uint32_t (*local)(void *arg); /* this node */
};

enum metrics_format {
	METRICS_OPENMETRICS, /* 1.0.0 */
	METRICS_PROMETHEUS,  /* 0.0.4, for collectors that cannot read the other */
};

struct metrics_options {
	enum metrics_format format;
	bool is_per_client;    /* samples of every client, with labels pid and program */
	bool has_legacy_names; /* also the names that dashboards for Corosync use */
};

/** A text that grows up to a limit. */
struct metrics_text {
	char *bytes; /* NUL-terminated once something was written; freed with metrics_text_fini */
	size_t size, capacity;
	size_t size_max; /* set by the caller; 0: no limit */
	int error;       /* 0; -ENOMEM; -EMSGSIZE: the limit. Text after an error is not written */
};

void metrics_text_fini(struct metrics_text *text);

/**
 * Write all figures of the source.
 * @param text  zeroed except for size_max, or with text already, behind which the figures are written
 * @return 0; -ENOMEM; -EMSGSIZE: the text is incomplete and must not be used
 */
int metrics_render(
	const struct metrics_source *source, const struct metrics_options *options, struct metrics_text *text);

/** Protection of the ring's packets on the network. */
enum metrics_protection {
	METRICS_PROTECTION_UNKNOWN,       /* another plugin's transport, or no address in the configuration */
	METRICS_PROTECTION_LOOPBACK,      /* not encrypted, and all addresses are of the loopback */
	METRICS_PROTECTION_NONE,          /* other hosts on the network can read and forge them */
	METRICS_PROTECTION_AUTHENTICATED, /* other hosts can read them: knet with a hash and without a
					   * cipher */
	METRICS_PROTECTION_ENCRYPTED,
};

/** Determine it from the configuration map. */
enum metrics_protection metrics_protection(const struct metrics_source *source);

/** The value of the header Content-Type. */
const char *metrics_content_type(enum metrics_format format);

#endif
