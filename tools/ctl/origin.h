/* Where a key of the running configuration is from, and how it can be changed. */
#ifndef TOOLS_CTL_ORIGIN_H
#define TOOLS_CTL_ORIGIN_H

#include "tools/ctl/daemon.h"

/** Put source, line and file, as far as they are known, and changeable into the row of a key.
 *
 * @param key   name, of the configuration map
 * @param file  keys that the daemon's file makes; NULL: not known
 * @param main_file  name of that file: others are told
 * @param transport  totem.transport, which changes some of its keys under way
 */
void origin_put(struct json_object *row, const char *key, const struct daemon_keys *file, const char *main_file,
	const char *transport);
/** The same for an option that `plugin load` gave to a service. */
void origin_put_given(struct json_object *row);
/** The key as the file makes it, or NULL. file may be NULL. */
const struct daemon_key *origin_find(const struct daemon_keys *file, const char *key);
/** "reload", "restart", "runtime" or "never". */
const char *origin_changeable(const char *key, const char *transport);
/** What the daemon alone makes, whatever its file says: "computed" or "runtime"; NULL: a key that a file can make. */
const char *origin_of_daemon(const char *key);

#endif
