/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node's state as JSON of schema coterie-ctl/1 (book configuration, "Programs"). The plugin metrics uses these
 * functions inside the daemon, and coterie-ctl uses them through the client libraries. Only the source (struct
 * metrics_source) differs. If both sources have a value, the answers are equal. These files keep no state.
 */
#ifndef PLUGINS_COMMON_ANSWERS_ANSWERS_H
#define PLUGINS_COMMON_ANSWERS_ANSWERS_H

#include "plugins/common/answers/json.h"
#include "plugins/common/metrics/metrics.h"

/* --- facts.c --- */

/** Return the text of a key. NULL: no such key, or its value is not a text. The caller frees it. */
char *answers_key_text(const struct metrics_source *source, uint32_t map, const char *key);
/**
 * Convert an integer value of the map. A number above INT64_MAX becomes INT64_MAX.
 * @param type   COTERIE_MAP_*, or of enum cmap_value_types_t, which has the same numbers
 * @param bytes  8 bytes are read for every type
 * @return false: the type is no integer
 */
bool answers_whole(uint32_t type, const void *bytes, int64_t *whole);
/** Return the number of a key, or `otherwise`. */
int64_t answers_key_number(const struct metrics_source *source, uint32_t map, const char *key, int64_t otherwise);

/* The caller frees the returned objects, or adds them to other objects. */

/** Return the configured nodes, ascending: [{id, name, local, addresses: [text]}]. */
struct json_object *answers_nodes(const struct metrics_source *source);
/** Return the name of a node, borrowed from nodes. If it has no name, return its node id as text. */
const char *answers_node_name(struct json_object *nodes, uint32_t nodeid, char buffer[12]);
/** Return {rep, seq, text} of the current ring, or NULL. */
struct json_object *answers_ring(const struct metrics_source *source);
/** Return {rep, seq, text} of the given ring. */
struct json_object *answers_ring_object(uint32_t representative, uint64_t seq);
/** Get the transport's status of a node. @return false: no status is known, and *status is zero */
bool answers_links(const struct metrics_source *source, uint32_t nodeid, struct coterie_node_status *status);

/* --- issues.c --- */

/** Return the problems: [{id, level, text, …}], the worst first. nodes: result of answers_nodes. */
struct json_object *answers_issues(const struct metrics_source *source, struct json_object *nodes);

/* --- evictions.c --- */

/**
 * Return whether this key of the statistics map has the record of an eviction.
 * @param text_key  out: the key of the record's text
 */
bool answers_is_eviction(const char *key, char text_key[COTERIE_MAP_NAME_MAX + 1]);
/**
 * Return an object {time, node, evidence, accuser, silent_ms, budget_ms, agreed: [id], text} made from a record and its
 * text, with host if that is known. NULL: `record` is not a record.
 */
struct json_object *answers_eviction(const char *record, const char *text);
/** Return objects as answers_eviction does, for all evictions that the daemon keeps, newest first. */
struct json_object *answers_evictions(const struct metrics_source *source);
/** Return {held, lapsed_ms, length_ms, lapses}. NULL: the daemon has no lease. */
struct json_object *answers_lease(const struct metrics_source *source);
/**
 * Return the members that the ring waits for: [{id, silent_ms, evicted_after_ms}], each with host ("answers" or
 * "silent") if that is known.
 */
struct json_object *answers_silent(const struct metrics_source *source);

/* --- the commands: each fills `data` --- */

/**
 * Return the nodes of the node list and of the ring: [{id, name, local, addresses, state, joins}].
 */
struct json_object *answers_members_list(const struct metrics_source *source);
/** @return false: there is no ring at the moment, so there is no answer */
bool answers_members(const struct metrics_source *source, struct json_object *data);
/**
 * @param instance  used if the daemon does not report its name
 * @return as source->quorate
 */
int answers_status(const struct metrics_source *source, const char *instance, struct json_object *data);
/** @param quorate  as source->quorate. Without a provider every partition is quorate */
void answers_quorum(const struct metrics_source *source, int quorate, struct json_object *data);
void answers_rings(const struct metrics_source *source, struct json_object *data);
/**
 * Return [{name, kind, …}] for the plugins whose statistics have this prefix ("stats.plugins."). The list may be empty.
 */
struct json_object *answers_plugins(const struct metrics_source *source, const char *prefix);
/** Add "metrics": [{name, kind, labels, …}] to the object of the plugin with this name, if the plugin has metrics. */
void answers_put_metrics(const struct metrics_source *source, struct json_object *plugin, const char *name);
/** Return the services. A Corosync daemon publishes these data and nothing about plugins. */
struct json_object *answers_services(const struct metrics_source *source);
void answers_clients(const struct metrics_source *source, struct json_object *data);

/* --- envelope.c --- */

void answers_time(char buffer[48]); /* the present time: RFC 3339 UTC with milliseconds */
/**
 * Make the document around an answer.
 * @param node   0: not known
 * @param data   ownership moves to the document. NULL: the document has `error` in its place
 * @param error  ownership moves to the document. NULL if there is data
 */
struct json_object *answers_envelope(
	const char *command, uint32_t node, struct json_object *data, struct json_object *error);
/** Make the error of a document. @param code  exit status of coterie-ctl @param hint  may be "" */
struct json_object *answers_error(int code, const char *text, const char *hint);

#endif
