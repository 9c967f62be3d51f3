/*
 * What a node tells of itself, as JSON of schema coterie-ctl/1 (book configuration, "Programs"). The plugin metrics
 * uses it from inside the daemon, coterie-ctl through the client libraries. Only the source (struct metrics_source)
 * differs. Where both sources have a value, the answers are equal. No state of its own.
 */
#ifndef PLUGINS_COMMON_ANSWERS_ANSWERS_H
#define PLUGINS_COMMON_ANSWERS_ANSWERS_H

#include "plugins/common/answers/json.h"
#include "plugins/common/metrics/metrics.h"

/* --- facts.c --- */

/** Text of a key, or NULL: none, or no text. Returned, caller frees. */
char *answers_key_text(const struct metrics_source *source, uint32_t map, const char *key);
/**
 * The number that a value of the map is, if its type is an integer; one beyond INT64_MAX becomes that.
 *
 * @param type   COTERIE_MAP_*, or of enum cmap_value_types_t, which has the same numbers
 * @param bytes  8 of them are read, whatever the type
 */
bool answers_whole(uint32_t type, const void *bytes, int64_t *whole);
/** Number of a key, or otherwise. */
int64_t answers_key_number(const struct metrics_source *source, uint32_t map, const char *key, int64_t otherwise);

/* Objects are returned, caller frees or adds them. */

/** The configured nodes, ascending: [{id, name, local, addresses: [text]}]. */
struct json_object *answers_nodes(const struct metrics_source *source);
/** Name of a node; borrowed from nodes; its number as text when it has none. */
const char *answers_node_name(struct json_object *nodes, uint32_t nodeid, char buffer[12]);
/** {rep, seq, text} of the current ring, or NULL. */
struct json_object *answers_ring(const struct metrics_source *source);
/** The same of this ring. */
struct json_object *answers_ring_object(uint32_t representative, uint64_t seq);
/** What the transport tells of a node. @return false: nothing; then all is zero */
bool answers_links(const struct metrics_source *source, uint32_t nodeid, struct coterie_node_status *status);

/* --- issues.c --- */

/** What is wrong: [{id, level, text, …}], the worst first. nodes: as of answers_nodes. */
struct json_object *answers_issues(const struct metrics_source *source, struct json_object *nodes);

/* --- evictions.c --- */

/**
 * Whether this key of the statistics map has the record of an eviction.
 * @param text_key  out: the key of its text
 */
bool answers_is_eviction(const char *key, char text_key[COTERIE_MAP_NAME_MAX + 1]);
/**
 * {time, node, evidence, accuser, silent_ms, budget_ms, agreed: [id], text} of the two values, and host if it is known;
 * NULL: no record.
 */
struct json_object *answers_eviction(const char *record, const char *text);
/** The same of all that the daemon keeps, the newest first. */
struct json_object *answers_evictions(const struct metrics_source *source);
/** {held, lapsed_ms, length_ms, lapses}; NULL: the daemon knows no lease. */
struct json_object *answers_lease(const struct metrics_source *source);
/** Members that the ring waits for: [{id, silent_ms, evicted_after_ms}], with host ("answers" or "silent") if it is
    known. */
struct json_object *answers_silent(const struct metrics_source *source);

/* --- the commands: they fill data --- */

/** The nodes of the node list and of the ring: [{id, name, local, addresses, state, joins}]. */
struct json_object *answers_members_list(const struct metrics_source *source);
/** @return false: there is no ring just now, and so no answer */
bool answers_members(const struct metrics_source *source, struct json_object *data);
/** @param instance  where the daemon does not tell its name; @return as of source->quorate */
int answers_status(const struct metrics_source *source, const char *instance, struct json_object *data);
void answers_quorum(const struct metrics_source *source, bool is_quorate, struct json_object *data);
void answers_rings(const struct metrics_source *source, struct json_object *data);
/** [{name, kind, …}] of the plugins whose statistics begin so ("stats.plugins."); empty: it does not tell. */
struct json_object *answers_plugins(const struct metrics_source *source, const char *prefix);
/** Add "metrics": [{name, kind, labels, …}] to the plugin of this name, if it has any. */
void answers_put_metrics(const struct metrics_source *source, struct json_object *plugin, const char *name);
/** All that a Corosync daemon tells. */
struct json_object *answers_services(const struct metrics_source *source);
void answers_clients(const struct metrics_source *source, struct json_object *data);

/* --- envelope.c --- */

void answers_time(char buffer[48]); /* now, RFC 3339 UTC with milliseconds */
/**
 * The document around an answer.
 * @param node   0: not known
 * @param data   taken; NULL: there is none
 * @param error  taken; in its place
 */
struct json_object *answers_envelope(
	const char *command, uint32_t node, struct json_object *data, struct json_object *error);
/** @param code  exit status of coterie-ctl; hint may be "" */
struct json_object *answers_error(int code, const char *text, const char *hint);

#endif
