/*
 * The statistics of a daemon as OpenMetrics text: names, help and layout, once for the plugin metrics, which
 * looks from inside, and for `coterie-ctl metrics`, which looks through the client libraries. What differs is
 * the source; where both find the same, both print the same. No state of its own.
 */
#ifndef PLUGINS_COMMON_METRICS_METRICS_H
#define PLUGINS_COMMON_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#define METRICS_VALUE_MAX 256u /* bytes of a value that is looked at, NUL included */

/** Where a voter is; the numbers are those of the client API. */
enum metrics_voter {
	METRICS_VOTER_MEMBER = 1,
	METRICS_VOTER_DEAD = 2,
	METRICS_VOTER_LEAVING = 3,
};

/** What a vote counter says: coterie_quorum_*. */
struct metrics_votes {
	uint32_t votes, expected; /* of the node asked for */
	enum metrics_voter state; /* the same */
	uint32_t highest_expected, total, quorum;
	uint32_t flags;           /* VOTEQUORUM_INFO_* of the client API */
	uint32_t device_votes;
	char device[256];         /* name of the quorum device; "": none */
};

/**
 * Where the figures come from, for the text and for the answers in JSON (plugins/common/answers). Each call may
 * find nothing; then what it is for is left out.
 */
struct metrics_source {
	void *arg;
	/**
	 * A value of a map (COTERIE_MAP_CONFIG, COTERIE_MAP_STATS).
	 * @param type   out: COTERIE_MAP_I8 ..
	 * @param bytes  room for METRICS_VALUE_MAX, zeroed
	 * @return false: no such key, or a longer value
	 */
	bool (*read)(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes);
	/** Call see(see_arg, key) for the keys that begin so, ascending, until it returns false. see may read. */
	void (*each)(void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key),
		void *see_arg);
	bool (*ring)(void *arg, struct coterie_ring_id *ring);
	int (*quorate)(void *arg); /* 1, 0; -1: nobody counts */
	bool (*votes)(void *arg, uint32_t nodeid, struct metrics_votes *votes); /* nodeid 0: this node */
	/** status comes zeroed, with its size. */
	bool (*links)(void *arg, uint32_t nodeid, struct coterie_node_status *status);
	uint32_t (*local)(void *arg); /* this node */
};

enum metrics_format {
	METRICS_OPENMETRICS, /* 1.0.0 */
	METRICS_PROMETHEUS,  /* 0.0.4, for what cannot read the other */
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
	int error;       /* 0; -ENOMEM; -EMSGSIZE: the limit; what follows an error is not written */
};

void metrics_text_fini(struct metrics_text *text);

/**
 * Write everything that the source knows.
 *
 * @param text  zeroed but for size_max, or what is there already, behind which it goes on
 * @return 0; -ENOMEM; -EMSGSIZE: the text is not whole and of no use
 */
int metrics_render(const struct metrics_source *source, const struct metrics_options *options,
	struct metrics_text *text);

/** How the ring's packets are protected on their way. */
enum metrics_protection {
	METRICS_PROTECTION_UNKNOWN,       /* another plugin's transport, or no address in the configuration */
	METRICS_PROTECTION_LOOPBACK,      /* not encrypted, and all addresses are of the loopback */
	METRICS_PROTECTION_NONE,          /* others on the network can read and forge them */
	METRICS_PROTECTION_AUTHENTICATED, /* others can read them: knet with a hash and without a cipher */
	METRICS_PROTECTION_ENCRYPTED,
};

/** Find out from the configuration map. */
enum metrics_protection metrics_protection(const struct metrics_source *source);

/** The value of the header Content-Type. */
const char *metrics_content_type(enum metrics_format format);

#endif
