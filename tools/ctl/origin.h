/* SPDX-License-Identifier: BSD-3-Clause */
/* The origin of a key of the running configuration, and how it can be changed. */
#ifndef TOOLS_CTL_ORIGIN_H
#define TOOLS_CTL_ORIGIN_H

#include "tools/ctl/daemon.h"

/**
 * Put source, line, file and changeable into the row of a key, as far as they are known.
 *
 * @param key   name of the key in the configuration map
 * @param file  keys that the daemon's file makes, or NULL: not known
 * @param main_file  name of that file. Only other files are put into the row
 * @param transport  totem.transport, which can change some of its keys while it runs
 */
void origin_put(struct json_object *row, const char *key, const struct daemon_keys *file, const char *main_file,
	const char *transport);
/** Put source and changeable into the row of an option that `plugin load` gave to a service. */
void origin_put_given(struct json_object *row);
/** Return the key that the file makes under this name, or NULL. file may be NULL. */
const struct daemon_key *origin_find(const struct daemon_keys *file, const char *key);
/** Return how a key can be changed: "reload", "restart", "runtime" or "never". */
const char *origin_changeable(const char *key, const char *transport);
/** Return the source of a key that only the daemon makes: "computed" or "runtime". NULL: a file can make the key. */
const char *origin_of_daemon(const char *key);

#endif
