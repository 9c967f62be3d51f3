/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table: the functions that a plugin may call. plugin.h includes this header, and has its types and rules. */
#ifndef COTERIE_HOST_H
#define COTERIE_HOST_H

#include <coterie/plugin.h>

/**
 * The host table: functions of the executive that a plugin may call. It is borrowed until fini or close has returned. A
 * member beyond `size`, or one that is NULL, may not be called: check with COTERIE_HAS().
 */
struct coterie_host {
	uint32_t size;                 /* bytes that the executive has filled */
	uint16_t abi_major, abi_minor; /* of the executive */
	uint64_t caps;                 /* COTERIE_CAP_* */

	/* --- any thread --- */

	/**
	 * Write one log line. prio is that of syslog(3), LOG_ERR 3 .. LOG_DEBUG 7, or 8 for trace. Up to LOG_INFO, at most
	 * 10 lines of one format in 100 ms and 100 in 10 s are shown of a service, unless its dump is running.
	 */
	void (*log)(struct coterie_ctx *ctx, int prio, const char *format, ...) __attribute__((format(printf, 3, 4)));
	/** Run a function on the loop thread soon. -ENOMEM; -ESHUTDOWN: the plugin is being stopped. */
	int (*post)(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);

	/* --- loop thread: time, descriptors --- */

	/** Return the time of the loop's clock: nanoseconds, monotonic. */
	uint64_t (*now_ns)(struct coterie_ctx *ctx);
	/**
	 * Call run(arg) once at at_ns, by the clock of now_ns. The timer no longer exists when run is called.
	 * @param timer  out, may be NULL; valid until run is called or timer_del
	 * @return 0; -ENOMEM; -ESHUTDOWN: the plugin is being stopped
	 */
	int (*timer_add)(struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg,
		struct coterie_timer **timer);
	/** Cancel a timer that has not run. NULL is ignored. */
	void (*timer_del)(struct coterie_ctx *ctx, struct coterie_timer *timer);
	/**
	 * Call run(arg, fd, revents) whenever fd is ready (level-triggered). The plugin still owns fd.
	 *
	 * @param is_urgent  1: traffic of the ring, served before all other descriptors
	 * @return 0; -EEXIST; -ENOMEM; -ESHUTDOWN: the plugin is being stopped
	 */
	int (*fd_add)(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
		void (*run)(void *arg, int fd, uint32_t revents), void *arg);
	/** Change the events of a descriptor. 0; -ENOENT: it was not added. */
	int (*fd_mod)(struct coterie_ctx *ctx, int fd, uint32_t events);
	/** Stop watching a descriptor. Call this before fd is closed. A descriptor that was not added is ignored. */
	void (*fd_del)(struct coterie_ctx *ctx, int fd);

	/* --- options of this plugin: those of the descriptor, with the values of the file or their defaults --- */

	/** Get an option. -ENOENT: not in the descriptor; -ENODATA: unset and without default. */
	int (*option_u64)(struct coterie_ctx *ctx, const char *name, uint64_t *value);
	/** Get an option. *value is borrowed until the next reload. Errors are as of option_u64. */
	int (*option_string)(struct coterie_ctx *ctx, const char *name, const char **value);

	/* --- configuration map --- */

	/** Set a key of any type. value is copied. -EINVAL: name or type; -ENOMEM. */
	int (*map_set)(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value, uint32_t value_size);
	/** Borrow a key's value until the key changes. Out parameters may be NULL. -ENOENT. */
	int (*map_get)(
		struct coterie_ctx *ctx, const char *key, uint32_t *type, const void **value, uint32_t *value_size);
	/** Delete a key. 0; -ENOENT. */
	int (*map_delete)(struct coterie_ctx *ctx, const char *key);

	/* --- the ring --- */

	/** Return the id of this node. */
	uint32_t (*local_nodeid)(struct coterie_ctx *ctx);
	/**
	 * Multicast one message of this service to all nodes, this one included, in the total order. `function` is an
	 * index of its ring messages. The executive puts its 16-byte header in front. iov is the rest of the message,
	 * borrowed, copied before return. After a result of 0 the message gets its place, unless the node leaves the
	 * ring.
	 * @param guarantee  COTERIE_AGREED or COTERIE_SAFE
	 * @return 0; -EAGAIN: the queue is full, try again later, or the service is not on the ring (init, fini);
	 *     -EMSGSIZE: never possible
	 */
	int (*ring_send)(struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee, const struct iovec *iov,
		uint32_t count);
	/**
	 * Get the members of the present regular configuration, ascending. *nodeids is borrowed until the configuration
	 * changes.
	 */
	void (*membership)(
		struct coterie_ctx *ctx, struct coterie_ring_id *ring, const uint32_t **nodeids, uint32_t *count);
	/**
	 * Return whether this node is quorate, 1 or 0: the last verdict of the quorum provider. Without a provider it
	 * is always 1. From a regular configuration until the verdict about it, this is the verdict about the ring
	 * before: compare the ring of quorum_get() with that of membership(). To decide at a place of the order, call
	 * delivery() instead.
	 */
	uint32_t (*is_quorate)(struct coterie_ctx *ctx);

	/* --- clients of a service --- */

	/** Return the memory of a client: client_size bytes (see struct coterie_service), zeroed at its start. */
	void *(*client_data)(struct coterie_client *client);
	/** Get the credentials of the peer from the kernel. Pointers may be NULL. */
	void (*client_peer)(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid);
	/**
	 * Answer a request. The executive builds the 24-byte response header and appends iov (borrowed). A handler that
	 * has called this returns COTERIE_REPLIED. A handler may instead return COTERIE_LATER: then the plugin calls
	 * this later, once for the request.
	 *
	 * @param error  cs_error_t, CS_OK is 1
	 */
	int (*reply)(struct coterie_client *client, uint32_t response_id, int32_t error, const struct iovec *iov,
		uint32_t count);
	/**
	 * Send an event. The executive builds its 24-byte header. iov is the rest, borrowed, copied. Events of one
	 * client keep their order. If the client does not read, events wait up to a limit. Beyond it the client is
	 * disconnected.
	 * @return 0; -EMSGSIZE: more than 1048576 bytes in all; -ENOTCONN: the connection is ending
	 */
	int (*event)(struct coterie_client *client, uint32_t event_id, const struct iovec *iov, uint32_t count);
	/** End a connection. client_leave is the next call for this client. */
	void (*client_disconnect)(struct coterie_client *client);

	/* --- transports --- */

	/**
	 * Take a frame with room for capacity bytes. Its size is 0, and the caller owns the only reference. NULL: out
	 * of memory, or the pool's limit is reached: drop the packet.
	 */
	struct coterie_frame *(*frame_take)(struct coterie_ctx *ctx, uint32_t capacity);
	/**
	 * Make a frame that shows [offset, offset + size) of buffer and keeps buffer alive. NULL: as for frame_take.
	 */
	struct coterie_frame *(*frame_slice)(
		struct coterie_ctx *ctx, struct coterie_frame *buffer, uint32_t offset, uint32_t size);
	/** Take a further reference to a frame. */
	void (*frame_ref)(struct coterie_frame *frame);
	/** Release a reference. After the last one the frame is used again, or freed. */
	void (*frame_unref)(struct coterie_frame *frame);
	/** Pass one batch to the executive, in the order of arrival. Arrivals are borrowed. */
	void (*frames_in)(struct coterie_ctx *ctx, const struct coterie_arrival *arrivals, uint32_t count);
	/** Report that a link came up (is_up 1) or went down (0). text is the reason, for the log. */
	void (*link_state)(struct coterie_ctx *ctx, uint32_t link, uint32_t is_up, const char *text);
	/**
	 * Report a sign that the daemon on nodeid has ended. The ring asks that daemon, and does not remove it only for
	 * this sign. A transport that knows more calls peer_watch (COTERIE_WATCH_CLOSED) and peer_refused.
	 */
	void (*peer_dead)(struct coterie_ctx *ctx, uint32_t nodeid);
	/** Report that the transport accepts frames again, after it accepted fewer than it was given. */
	void (*writable)(struct coterie_ctx *ctx);

	/* --- since 1.1: both maps (COTERIE_CAP_STATS); `which` is COTERIE_MAP_CONFIG or _STATS --- */

	/**
	 * Borrow a value until the key changes (configuration) or until the next call that reads statistics.
	 * @return 0; -ENOENT
	 */
	int (*map_read)(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_value *value);
	/**
	 * Iterate over the keys that begin with prefix (NULL, "": all) in ascending byte order. The map may change
	 * meanwhile. Changes of later keys are seen.
	 * @param iterator  out; end it with map_iterate_end, before fini returns
	 * @return 0; -ENOMEM
	 */
	int (*map_iterate)(
		struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator);
	/**
	 * Return the next key, or NULL: at the end, and at each further call. Key and value are borrowed until the next
	 * call. value may be NULL. A string of the statistics has size 0 and no bytes here.
	 */
	const char *(*map_iterate_next)(struct coterie_map_iterator *iterator, struct coterie_map_value *value);
	/** End an iteration. NULL is ignored. */
	void (*map_iterate_end)(struct coterie_map_iterator *iterator);
	/**
	 * Call notify(arg, …) at changes of a key, or of all keys with this prefix. A plugin that is being replaced is not
	 * called any more when its clients are those of the new one. For counters of ring messages
	 * (runtime.services.NAME.N.rx and .tx) notify gets the present value, once in 1.5 s at most.
	 * @param events   COTERIE_MAP_DELETED | _MODIFIED | _ADDED, and _PREFIX. In the statistics a prefix
	 *     reports added and deleted keys, and a single key MODIFIED, at most once in 1.5 s
	 * @param tracker  out; end it with map_untrack
	 * @return 0; -ENOTSUP: a prefix of the statistics without both _ADDED and _DELETED; -ENOMEM
	 */
	int (*map_track)(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events,
		coterie_map_notify notify, void *arg, struct coterie_map_tracker **tracker);
	/** End a tracker. NULL is ignored. */
	void (*map_untrack)(struct coterie_ctx *ctx, struct coterie_map_tracker *tracker);
	/** Add delta to an integer key. It wraps around in its own width. -ENOENT; -EINVAL: not an integer. */
	int (*map_adjust)(struct coterie_ctx *ctx, const char *key, int64_t delta);
	/** Make a key, or all keys with this prefix, read-only for clients. Plugins can still change it. -ENOMEM */
	int (*map_protect)(struct coterie_ctx *ctx, const char *key, uint32_t is_prefix);
	/** Return whether a key is read-only for clients, 1 or 0. */
	uint32_t (*map_is_protected)(struct coterie_ctx *ctx, const char *key);

	/**
	 * Offer a statistic as a key of the statistics map, until stat_del or the plugin's end. read runs on the
	 * loop thread.
	 * @param type  COTERIE_MAP_*
	 * @return 0; -EEXIST; -EINVAL: name or type; -ENOMEM
	 */
	int (*stat_add)(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read, void *arg);
	/** Remove a statistic that stat_add has added. */
	void (*stat_del)(struct coterie_ctx *ctx, const char *key);
	/**
	 * Call run(arg) when the operator clears the statistics of this name (for example "knet"), or all statistics.
	 * -ENOMEM
	 */
	int (*stats_on_clear)(struct coterie_ctx *ctx, const char *name, void (*run)(void *arg), void *arg);
	/** Clear statistics: totem, ipc, schedmiss, all, or a plugin's own name. -ENOENT: no such statistics */
	int (*stats_clear)(struct coterie_ctx *ctx, const char *name);

	/* --- since 1.1: quorum (COTERIE_CAP_QUORUM) --- */

	/**
	 * Publish the verdict of a provider. The executive copies and logs it, and opens or closes the gate of requests
	 * that need quorum. Then it calls the watchers, even if the verdict has not changed. Until the first verdict a
	 * node with a provider is not quorate. Publish the votes again whenever they change. If ring, members and
	 * is_quorate stay the same, and `votes` or `needed` change, the verdict is not logged, and no watcher is
	 * called.
	 *
	 * @param quorum  borrowed; provider is ignored. ring: the present ring. With another ring the verdict is not
	 *     announced to the other members. A verdict must be announced at least once in each ring (coterie_delivery,
	 *     is_quorate): until then requests that need quorum wait.
	 * @return 0; -EPERM: quorum.provider does not name this plugin, or it does not offer COTERIE_CAN_QUORUM;
	 *     -EINVAL: a count without a list; -ENOMEM
	 */
	int (*quorum_publish)(struct coterie_ctx *ctx, const struct coterie_quorum *quorum);
	/**
	 * Get the last verdict. If there is none, members and ring are zero. *quorum is filled in up to its size. The
	 * list is borrowed until the next verdict.
	 */
	void (*quorum_get)(struct coterie_ctx *ctx, struct coterie_quorum *quorum);
	/**
	 * Call run(arg, quorum) at each verdict, until the plugin's end. A plugin can have one watcher. -EEXIST;
	 * -ENOMEM
	 */
	int (*quorum_watch)(
		struct coterie_ctx *ctx, void (*run)(void *arg, const struct coterie_quorum *quorum), void *arg);

	/* --- since 1.1: administration (COTERIE_CAP_ADMIN) --- */

	/**
	 * Return whether all members of the ring implement safe delivery, so that COTERIE_SAFE has its effect: 1 or 0.
	 */
	uint32_t (*is_safe_kept)(struct coterie_ctx *ctx);
	/**
	 * Get the status of a node, which may be this one. The struct is filled in up to its size. -ENOENT: the
	 * transport does not know the node; -ENOTSUP: the transport has no status.
	 */
	int (*node_status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
	/**
	 * Get the addresses of a node: the configured ones, or those with which it joined. *peer is filled in up to its
	 * size. The list is borrowed until the next reload. -ENOENT
	 */
	int (*node_addresses)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_peer *peer);
	/** Stop the daemon: disconnect clients, send queued messages, leave the ring, end. Returns at once. */
	void (*stop)(struct coterie_ctx *ctx);
	/**
	 * End the daemon at once with this exit status, without leaving the ring. reason is logged. This function does
	 * not return.
	 */
	void (*die)(struct coterie_ctx *ctx, int32_t exit_status, const char *reason);
	/**
	 * Read the config file again, without holding up the loop. Apply changes that are possible in a running
	 * daemon, and log the others. One reload runs at a time, later ones wait.
	 * @param done  called on the loop thread, once, unless the plugin ends before. rc is 0, -EINVAL (the file
	 *     is refused, nothing has changed) or -ENOMEM. text, borrowed: the reason, or ""
	 * @return 0; -ENOMEM
	 */
	int (*reload)(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	/** Open the log files again, after rotation. Return 0, or -errno of the first error. */
	int (*log_reopen)(struct coterie_ctx *ctx);

	/* --- since 1.1: small files in the node's state folder, which stay after the daemon ends --- */

	/**
	 * Read a file that state_file_write has stored. All plugins share one folder: begin the name with that of the
	 * plugin.
	 *
	 * @param name  [A-Za-z0-9_-]+, at most 40 characters
	 * @param size  room in bytes
	 * @return size of the file, of which at most `size` bytes are read; -ENOENT; -EINVAL: name; -errno
	 */
	int (*state_file_read)(struct coterie_ctx *ctx, const char *name, void *bytes, uint32_t size);
	/**
	 * Replace a file, mode 0600. It is durable when this returns 0. After a crash it has the old or the new
	 * content.
	 *
	 * @return 0; -EINVAL: name; -EBUSY: a state_file_store of this name is under way, and would replace the file
	 *     again. fini cannot try again: use state_file_store there, which is completed after the plugin's end;
	 *     -errno
	 */
	int (*state_file_write)(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size);

	/* --- since 1.2: the key of an encrypted ring (COTERIE_CAP_CRYPTO): protocol/encryption.md --- */

	/**
	 * Get the ring's secret key, which is read together with the config file: totem.keyfile, totem.key or the
	 * default file. *bytes is borrowed until the next reload. The key is in no map and no log.
	 * @return 0; -ENODATA: neither cipher nor hash is configured
	 */
	int (*key_get)(struct coterie_ctx *ctx, const void **bytes, uint32_t *size);
	/**
	 * Watch changes of the keys until the plugin ends. run(arg) is called when the transport has loaded new keys,
	 * but still uses the old ones (its reload returned COTERIE_RELOAD_REKEY). The plugin then agrees with the other
	 * nodes and calls rekey. A plugin can have one such function.
	 *
	 * @return 0; -EEXIST; -ENOMEM
	 */
	int (*rekey_watch)(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);
	/**
	 * Continue the change of keys that was announced last: first COTERIE_REKEY_ACTIVATE, when all members have
	 * the new keys, then COTERIE_REKEY_CLEANUP, when all members use them.
	 * @return 0; -ENOTSUP: the transport has no keys; -EINVAL: no change under way, or the wrong phase;
	 *     other errors of the transport
	 */
	int (*rekey)(struct coterie_ctx *ctx, uint32_t phase);

	/* --- since 1.2: transports --- */

	/**
	 * Report that no process listens at the address of a frame for nodeid (ICMP port unreachable). A single report
	 * may be forged, late or about one packet only. So the ring asks the peer. It removes the peer only if frames
	 * that it knows as its own were refused, and the peer is silent. Do not call this inside an operation of the
	 * transport.
	 *
	 * @param quote  the part of the frame that the report quotes, from its start: borrowed; size may be 0, but only
	 *     quoted frames count, and 64 bytes are enough
	 */
	void (*peer_refused)(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size);

	/* --- since 1.3: reload in two steps, so that all nodes apply a change or none (COTERIE_CAP_LIFE) --- */

	/**
	 * First step: read and check the config file, without holding up the loop, and keep the new configuration.
	 * The running configuration does not change yet. A configuration that was kept before is dropped. The step waits
	 * for earlier reloads, as reload does.
	 * @param done  called on the loop thread, once, unless the plugin ends before. rc is 0, -EINVAL (the file
	 *     is refused, nothing is kept) or -ENOMEM. text is borrowed. It has a line for each change: "change KEY
	 *     OLD -> NEW", or "restart KEY OLD -> NEW", where the old value stays until a restart. Or it has the reason
	 *     why the file is refused
	 * @return 0; -ENOMEM
	 */
	int (*reload_prepare)(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Second step: apply the kept configuration before this returns. 0; -ENOENT: nothing is kept; -EINVAL: the
	 * configuration can no longer be applied, nothing has changed; -EBUSY: called from a ring message or a
	 * configuration: call it with `post`; -ENOMEM.
	 */
	int (*reload_commit)(struct coterie_ctx *ctx);
	/** Instead of the second step: drop the kept configuration. */
	void (*reload_drop)(struct coterie_ctx *ctx);

	/* --- since 1.3: loading and ending of other plugins (COTERIE_CAP_LIFE). `done` is as that of reload --- */

	/**
	 * Load a plugin while the daemon runs. A service takes part in the ring from the next configuration or
	 * synchronisation on, which this call causes.
	 *
	 * @param what     name of a plugin in the search path, or an absolute path of a file
	 * @param options  count strings "KEY=VALUE", which override the config file; borrowed
	 * @param done     called on the loop thread, once, unless the caller's plugin ends before, maybe before
	 *     plugin_load returns. rc: 0; -EEXIST: its name, ring id or IPC name is in use; -ENOENT: no such file;
	 *     -EPERM: users other than root and the daemon's own can change or replace the file; -EINVAL: descriptor or
	 *     options refused; -EALREADY: another change is under way; errno of its init. text, borrowed: file and
	 *     reason, or ""
	 * @return 0; -ENOMEM
	 */
	int (*plugin_load)(struct coterie_ctx *ctx, const char *what, const char *const *options, uint32_t count,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Unload a service or extension. Its IPC name is closed, and its clients get the error of an absent service.
	 * Then drain is called. When the ring has delivered all messages of the plugin on this node, fini is called and
	 * the file is closed. `done` is called then, but at the latest 20 token timeouts after the drain time.
	 *
	 * @param drain_ms  time that drain has; 0: as at the end of the daemon
	 * @param done      rc: 0; -ENOENT: not loaded; -EBUSY: it cannot be unloaded (the transport, the quorum
	 *     provider, the caller itself); -EALREADY
	 */
	int (*plugin_unload)(struct coterie_ctx *ctx, const char *name, uint32_t drain_ms,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Replace a loaded service by a new file. Its init runs while the old plugin serves. Then, in one turn of the
	 * loop, it takes over the state (state_save, state_load), clients, ring id and IPC name. If any step is
	 * refused, the old plugin goes on.
	 * @param path    absolute; NULL: search for the name again
	 * @param forced  not 0: a plugin that cannot take over the state starts cold, and clients are disconnected
	 * @param done    rc: 0; -ENOENT; -EALREADY: also if this file runs already; -ENOTSUP: it cannot take over
	 *     the state; -EPERM, -EINVAL: as of plugin_load; errno of its init
	 */
	int (*plugin_replace)(struct coterie_ctx *ctx, const char *name, const char *path, uint32_t forced,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Return the number of a client, for state_save. The number is never used again while the daemon runs, and does
	 * not change when the plugin is replaced. The client_data of the new plugin is zeroed.
	 */
	uint64_t (*client_id)(struct coterie_client *client);
	/** Return the caller's client with this number, also in state_load. NULL: the client has gone. */
	struct coterie_client *(*client_find)(struct coterie_ctx *ctx, uint64_t id);

	/* --- since 1.4: fast channels (COTERIE_CAP_CHANNEL); the client's side is in <coterie/channel.h> --- */

	/**
	 * Give a client a fast channel. From then on the executive reads its messages and calls the service's
	 * channel_message, which the service must have.
	 *
	 * @param offer  size bytes behind the end of a request, not checked yet; borrowed
	 * @param grant  filled in: the end of the answer
	 * @return 0; otherwise answer without a grant: -ENOTSUP: no valid offer, or the service has no channel_message;
	 *     -EALREADY: the client has a channel; -EAGAIN: not now; -EACCES: the client lacks COTERIE_RIGHT_USE;
	 *     -errno of the memory or the socket
	 */
	int (*channel_open)(
		struct coterie_client *client, const void *offer, uint32_t size, struct coterie_channel_grant *grant);
	/**
	 * Send a message of a member as an event, with the short head of a channel's record.
	 *
	 * @return as of event; -ENOENT: the client has no channel: call event
	 */
	int (*channel_deliver)(
		struct coterie_client *client, uint32_t nodeid, uint32_t pid, const struct iovec *iov, uint32_t count);

	/* --- since 1.4: transports --- */

	/**
	 * Report the state of a connection to the daemon on nodeid. The connection was made by the operation watch, or
	 * by that daemon.
	 *
	 * - COTERIE_WATCH_ON: it is up. The peer's kernel will close it when the peer's daemon ends.
	 * - COTERIE_WATCH_OFF: it ended in a way that shows nothing about the daemon (a goodbye, a timeout).
	 * - COTERIE_WATCH_BROKEN: it was reset, by the peer's kernel or by a host in between. The ring asks that
	 *   daemon.
	 * - COTERIE_WATCH_CLOSED: the peer's kernel closed it with a FIN, and the daemon had sent no goodbye. The ring
	 *   asks that daemon, and removes it if it stays silent and its kernel refuses datagrams (peer_refused).
	 *
	 * After each ON comes one of the others.
	 */
	void (*peer_watch)(struct coterie_ctx *ctx, uint32_t nodeid, uint32_t state);

	/* --- since 1.5: rights of clients (COTERIE_CAP_RIGHTS) --- */

	/**
	 * Check a right that a request needs because of its contents. (A right that all requests of one id need is a
	 * flag of the request table: COTERIE_OBSERVES, COTERIE_ADMINISTERS.) The question alone has no effect. If the
	 * handler of the request then returns -EACCES, the executive counts and logs the refusal.
	 *
	 * @param right  COTERIE_RIGHT_OBSERVE .. COTERIE_RIGHT_ADMINISTER
	 * @return 0; -EACCES: the client does not have the right; -EINVAL: no such right
	 */
	int (*client_may)(struct coterie_client *client, uint32_t right);

	/* --- since 1.6: a new key of the ring, which all nodes take or none (COTERIE_CAP_CRYPTO) --- */

	/**
	 * First step: check that this node can use the key, and store it next to the key file, without holding up the
	 * loop. The ring's key and the key file do not change. Only one key can be prepared at a time.
	 *
	 * @param key   copied: size bytes, 128 .. 4,096. Wipe it afterwards.
	 * @param done  called on the loop thread, on a later turn, once, unless the plugin ends before. rc is 0,
	 *     -EINVAL (nothing is kept) or -ENOMEM. text, borrowed: the reason, or ""
	 * @return 0; -ENODATA: the ring is not encrypted; -EINVAL: size; -EALREADY: a key is prepared; -ENOMEM
	 */
	int (*key_prepare)(struct coterie_ctx *ctx, const void *key, uint32_t size,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Second step: make the transport load the key (rekey_watch), and replace the key file by the new one.
	 *
	 * @param text  out: size bytes, for the operator, on errors
	 * @return 0; -ENOENT: no key is prepared; -EBUSY: called from a ring message or a configuration: call it with
	 *     `post`; -EINVAL, -ENOMEM: the transport keeps its key, and the file of the new one stays next to the key
	 *     file; -EIO: the transport has loaded the key, but the key file still has the old one
	 */
	int (*key_commit)(struct coterie_ctx *ctx, char *text, uint32_t size);
	/** Instead of the second step: drop the prepared key. */
	void (*key_drop)(struct coterie_ctx *ctx);

	/* --- since 1.6: clients that send faster than they read --- */

	/**
	 * Return whether a client may begin a message whose delivery is also an event for that client. Call this in the
	 * handler of a request with an answer, before ring_send, but not for further parts of a message. The executive
	 * itself holds back requests with COTERIE_NO_REPLY, and messages of fast channels.
	 *
	 * @return 0; -EAGAIN: many events wait, and the client must read first: return -EAGAIN from the handler
	 */
	int (*client_may_send)(struct coterie_client *client);

	/* --- since 1.6: a ring that splits while it agrees on a key (COTERIE_CAP_CRYPTO) --- */

	/**
	 * Drop the prepared key, and leave its file next to the key file. Call this instead of the second step if this
	 * node cannot know whether nodes outside of its ring use the key. The next key_prepare replaces that file.
	 */
	void (*key_leave)(struct coterie_ctx *ctx);

	/* --- since 1.7: the place in the order at which a service is called (COTERIE_CAP_DELIVERY) --- */

	/**
	 * Return the place in the order at which the service is called: inside deliver, deliver_parts and sync_done. In
	 * sync_done it is the place of the message that ends the synchronisation.
	 *
	 * ring.seq and position together are a number that grows with the order: compare ring.seq first. A ring that
	 * this node is in later never uses the same pair, even after a restart, as long as the node keeps its state
	 * folder. Two parts of a partitioned cluster may use the same pair: only what is_quorate allows is unique.
	 *
	 * @param delivery  out: size bytes, which the caller has set
	 * @return 0; -ENODATA: called from elsewhere
	 */
	int (*delivery)(struct coterie_ctx *ctx, struct coterie_delivery *delivery);
	/**
	 * Return which members of the ring run this service, as all of them know at this place in the order.
	 *
	 * @param nodeids  out: at most room node ids, ascending; NULL with room 0
	 * @return how many there are; -EAGAIN: not all members have announced their services, as in sync_start;
	 *     -ENOTSUP: the service has no sync_step, so it is not announced. During a call of `configuration` the list
	 *     may be that of the ring before.
	 */
	int (*service_members)(struct coterie_ctx *ctx, uint32_t *nodeids, uint32_t room);

	/* --- since 1.8: options --- */

	/**
	 * Get the words of an option of type COTERIE_OPT_LIST, which the file separates by blanks.
	 *
	 * @param values  out: count words, borrowed until the next reload; count may be 0
	 * @return 0; -ENOENT: not in the descriptor; -ENODATA: unset and without default; -EINVAL: another type
	 */
	int (*option_list)(struct coterie_ctx *ctx, const char *name, const char *const **values, uint32_t *count);

	/* --- since 1.8: answers that come later (COTERIE_CAP_REPLIES) --- */

	/**
	 * Take a token for the answer of the request that is being handled. The handler then returns COTERIE_LATER.
	 * With any other result the token is void, and the result counts. reply_finish answers, once. A token is a
	 * number: send it in a ring message, and call reply_finish with it where that message is delivered on this
	 * node.
	 *
	 * @param client      of the request that is being handled
	 * @param timeout_ms  time to answer; 0: no limit
	 * @param gone        called once if the time is over or the client leaves, before client_leave; not after
	 *     reply_finish. It must not finish the token. It is not called if reply_later fails, or if the handler
	 *     returns another result than COTERIE_LATER, for example -EAGAIN of ring_send: then the handler frees
	 *     arg. NULL: the service need not know
	 * @param token       out: not 0, and never used again while the daemon runs
	 * @return 0; -ENODATA: not called from the handler of this client's request; -EALREADY: the request has a
	 *     token; -ENOTSUP: the request has no answer; -EAGAIN: the client has 1,024 open tokens: return -EAGAIN
	 *     from the handler; -ENOMEM
	 */
	int (*reply_later)(struct coterie_client *client, uint32_t timeout_ms, coterie_reply_gone gone, void *arg,
		uint64_t *token);
	/**
	 * Answer the request of a token, as reply does. The token is void afterwards, also after an error.
	 *
	 * @return 0; -ENOENT: there is no such token of this service: it was finished, timed out, or its client has left;
	 *     -EMSGSIZE, -ENOMEM: the client gets this error; -ENOTCONN: the connection is ending
	 */
	int (*reply_finish)(
		struct coterie_ctx *ctx, uint64_t token, int32_t error, const struct iovec *iov, uint32_t count);
	/**
	 * Take over a token of the plugin's predecessor, in state_load. Its time goes on. Tokens that state_load does not take
	 * over are answered with "try again".
	 *
	 * @return 0; -ENOENT: there is no such token of this service any more
	 */
	int (*reply_adopt)(struct coterie_ctx *ctx, uint64_t token, coterie_reply_gone gone, void *arg);

	/* --- since 1.8: state files that do not hold up the loop (COTERIE_CAP_FILES) --- */

	/**
	 * Replace a file as state_file_write does, on a thread of the executive. Stores are done in their order. A
	 * plugin may have 64 stores with 4 MiB together under way, and one store of any size up to 16 MiB.
	 *
	 * @param bytes  copied
	 * @param done   called on the loop thread, on a later turn, once, unless the plugin ends before. The file is
	 *     stored also if the plugin ends. rc is 0: the file is durable; or -errno: the file has its old content.
	 *     NULL: errors are logged
	 * @return 0; -EINVAL: name; -EAGAIN: too much is under way: try again when `done` of an earlier store is
	 *     called; -EMSGSIZE: more than 16 MiB; -ENOMEM
	 *
	 * state_file_write of a name with a store under way returns -EBUSY. state_file_read reads what is on the disk.
	 */
	int (*state_file_store)(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size,
		void (*done)(void *arg, int rc), void *arg);

	/* --- since 1.8: metrics (COTERIE_CAP_METRICS): coterie-metrics(7) serves them --- */

	/**
	 * Add a metric, until metric_del or the plugin's end. It begins with 0. Its keys in the statistics map are
	 * stats.coterie.metrics.PLUGIN.*.
	 *
	 * @param metric  copied
	 * @param series  out: for the functions below, which must run on the loop thread
	 * @return 0; -EINVAL: kind, a name, a text that is not UTF-8, a label twice, bounds that do not ascend, or
	 *     another kind, help or bounds than the family has; -EEXIST: the family has a metric with these labels;
	 *     -ENOSPC: the plugin has COTERIE_METRIC_SERIES_MAX, or 4,096 keys in the statistics map; -ENOMEM
	 */
	int (*metric_add)(struct coterie_ctx *ctx, const struct coterie_metric *metric, struct coterie_series **series);
	/** Remove a metric. NULL is ignored. */
	void (*metric_del)(struct coterie_ctx *ctx, struct coterie_series *series);
	/**
	 * metric_count adds, metric_set replaces the value, and metric_observe counts the value in its bucket. Each
	 * function ignores a series of another kind, and NULL. NaN is ignored.
	 */
	void (*metric_count)(struct coterie_series *series, uint64_t delta);
	void (*metric_set)(struct coterie_series *series, double value);
	void (*metric_observe)(struct coterie_series *series, double value);

	/* --- since 1.8: calls to other services of this node (COTERIE_CAP_CALLS) --- */

	/**
	 * Connect to a service as its client, with COTERIE_RIGHT_ADMINISTER. Requests and answers are those of its
	 * clients: <coterie/cpg_calls.h> and <coterie/kv_calls.h> have those of cpg and kv. The configuration map needs
	 * no call. A request that a plugin passes on for a client of its own has this right too, so first check the
	 * client's right with client_may.
	 *
	 * @param ipc_name  of the service, without the instance
	 * @param caller    copied
	 * @param call      out: ends with call_close, after `ended`, or with the plugin
	 * @return 0; -ENOENT: no service has the name, or it is the caller's own; -ENOTSUP: caller->size, answered or
	 *     ended; -EINVAL: caller->pad; -EAGAIN: not before the first synchronisation; the result of client_join;
	 *     -ENOSPC: the plugin has 64 calls; -ENOMEM
	 */
	int (*call_open)(struct coterie_ctx *ctx, const char *ipc_name, const struct coterie_caller *caller, void *arg,
		struct coterie_call **call);
	/**
	 * Send a request, on a later turn of the loop. The service's gates apply: the answer may be "try again" (6).
	 *
	 * @param msg  copied; begins with struct coterie_request_header
	 * @return 0; -EMSGSIZE: below 16 bytes or above 1048576; -EAGAIN: 64 requests, or 2 MiB of them, wait;
	 *     -ENOTCONN: the connection is ending; -ENOMEM
	 */
	int (*call_send)(struct coterie_call *call, const void *msg, uint32_t size);
	/** End the connection. No function of caller is called afterwards. NULL is ignored. */
	void (*call_close)(struct coterie_call *call);

	/* --- since 1.8: a reload that the operator forces (COTERIE_CAP_LIFE) --- */

	/**
	 * Do as reload does, with flags. A later reload of the same caller with other flags reads the file separately.
	 *
	 * @param flags  COTERIE_RELOAD_PREPARE: do as reload_prepare does. COTERIE_RELOAD_FORCED: accept a coterie.conf
	 *     in which nodes that run are missing, also this node. A corosync.conf is accepted in any case
	 * @return 0; -EINVAL: another flag; -ENOMEM
	 */
	int (*reload_with)(
		struct coterie_ctx *ctx, uint32_t flags, void (*done)(void *arg, int rc, const char *text), void *arg);
};

/** Flags of reload_with. */
#define COTERIE_RELOAD_PREPARE 1u
#define COTERIE_RELOAD_FORCED 2u

#endif
