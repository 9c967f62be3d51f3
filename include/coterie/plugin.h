/*
 * The plugin ABI: what every plugin says of itself and what the executive gives it. Together with
 * service.h or transport.h this is all a plugin author needs; no other header of Coterie is to be
 * included.
 *
 * History
 *   1.0  first version
 *   1.1  both maps with iteration and tracking, statistics of a plugin's own, quorum verdicts and their
 *        providers, status of nodes and links, stopping, reload and logs, state files; a service's
 *        dump, a transport's node_status
 *   1.2  keys of an encrypted ring and their change; a transport's link_down and rekey; peer_refused
 *   1.3  reload in two steps; plugins loaded, unloaded and replaced; clients that outlive their plugin
 *   1.4  fast channels between clients and services; a service's channel_message; a transport's capacity and
 *        watch, and peer_watch
 *   1.5  a transport's witness; rights of clients: COTERIE_OBSERVES and COTERIE_ADMINISTERS of requests, client_may;
 *        COTERIE_TELLS_QUORUM; a transport's overhead
 *   1.6  a new key of the ring that the executive stores: key_prepare, key_commit, key_drop, key_leave; client_may_send
 *   1.7  the place in the order of the ring: delivery and service_members
 *
 * Rules. A change of an existing byte or of its meaning raises the major number, an appended member the
 * minor one; a behaviour that no size shows gets a capability bit. Members are never moved, reused or
 * given a new signature. All integers have a fixed width; padding is named. An array crosses with its
 * count and its stride. Whoever allocates frees. Errors are 0 or a negative errno.
 *
 * Threads. The executive calls a plugin on its loop thread only. From a thread of its own a plugin may
 * call `log` and `post` and nothing else, and it joins all its threads before `fini` or `close` returns.
 *
 * Life of a plugin: found (file or builtin located) -> checked (descriptor accepted) -> ready (options
 * valid, init returned 0: log, timers, fds, options and map may be used) -> running (ring up, IPC name
 * open: everything may be used) -> stopped (fini is called; only log may be used) -> gone. When fini has
 * returned, the executive cancels every timer, descriptor and post that is still held and reports each
 * as a leak. `init` must work twice in one process: plugins keep no static state.
 *
 * A plugin file holds exactly one exported symbol, made by COTERIE_PLUGIN(). Link with
 * `-Wl,-z,defs -Wl,-z,now` so that a missing function is found when the file is opened. Replace an
 * installed file by renaming (`install`, `mv`), never by writing over it. While the daemon runs, it loads a file only
 * if nobody but root and the daemon's own user can write it or a folder above it, and it does so through a
 * descriptor: $ORIGIN in a run path of the file means nothing.
 */
#ifndef COTERIE_PLUGIN_H
#define COTERIE_PLUGIN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <coterie/frame.h>

#define COTERIE_ABI_MAJOR 1
#define COTERIE_ABI_MINOR 7
#define COTERIE_PLUGIN_MAGIC 0x43744c70u

/** What a plugin is. */
#define COTERIE_KIND_TRANSPORT 1u
#define COTERIE_KIND_SERVICE 2u
#define COTERIE_KIND_EXTENSION 3u

/** Abilities of the host that a plugin may need (`needs`) and the executive announces (`caps`). */
#define COTERIE_CAP_RING (UINT64_C(1) << 0)      /* ring_send and ring messages */
#define COTERIE_CAP_IPC (UINT64_C(1) << 1)       /* clients: reply, event */
#define COTERIE_CAP_SYNC (UINT64_C(1) << 2)      /* synchronisation after a configuration change */
#define COTERIE_CAP_MAP (UINT64_C(1) << 3)       /* the configuration map */
#define COTERIE_CAP_TRANSPORT (UINT64_C(1) << 4) /* frames and peers */
#define COTERIE_CAP_STATS (UINT64_C(1) << 5)     /* both maps: map_read .. stats_clear */
#define COTERIE_CAP_QUORUM (UINT64_C(1) << 6)    /* quorum_publish, quorum_get, quorum_watch */
#define COTERIE_CAP_ADMIN (UINT64_C(1) << 7)     /* node_status .. log_reopen */
#define COTERIE_CAP_CRYPTO (UINT64_C(1) << 8)    /* key_get, rekey_watch, rekey; key_prepare .. key_drop */
#define COTERIE_CAP_LIFE (UINT64_C(1) << 9)      /* reload_prepare .. client_find */
#define COTERIE_CAP_CHANNEL (UINT64_C(1) << 10)  /* channel_open, channel_deliver */
#define COTERIE_CAP_RIGHTS (UINT64_C(1) << 11)   /* rights of requests are checked; client_may */
#define COTERIE_CAP_DELIVERY (UINT64_C(1) << 12) /* delivery, service_members */

/** What a plugin can do beyond its table (`offers`). */
#define COTERIE_CAN_RELOAD (UINT64_C(1) << 0)
#define COTERIE_CAN_UNPRIVILEGED (UINT64_C(1) << 1)
#define COTERIE_CAN_HAND_OVER (UINT64_C(1) << 2) /* state_save and state_load, or no state but in the maps */
#define COTERIE_CAN_QUORUM (UINT64_C(1) << 3)    /* may be named as quorum.provider */
#define COTERIE_CAN_TELL_REFUSED (UINT64_C(1) << 4) /* calls peer_refused: so the ring sends idle peers
                                                       something that can be refused */

/** Type of an option. All values are written as text in the config file. */
#define COTERIE_OPT_BOOL 1u
#define COTERIE_OPT_U32 2u
#define COTERIE_OPT_U64 3u
#define COTERIE_OPT_MS 4u      /* a duration; read as milliseconds */
#define COTERIE_OPT_SIZE 5u    /* bytes */
#define COTERIE_OPT_STRING 6u
#define COTERIE_OPT_ENUM 7u    /* one of choices */
#define COTERIE_OPT_ADDRESS 8u /* a host name or IP address */
#define COTERIE_OPT_LIST 9u    /* of strings */

#define COTERIE_OPT_RELOAD 1u /* flag: may change while the plugin runs */
#define COTERIE_OPT_SECRET 2u /* flag: never shown */

/** One option that a plugin accepts in its section of the config file. */
struct coterie_option {
	const char *name;    /* also the key in the section; [a-z0-9_]+ */
	uint32_t type;       /* COTERIE_OPT_BOOL .. COTERIE_OPT_LIST */
	uint32_t flags;      /* COTERIE_OPT_RELOAD, COTERIE_OPT_SECRET */
	const char *initial; /* value as text when the file names none; NULL: unset */
	uint64_t min, max;   /* numbers, durations, sizes: inclusive; 0, 0: no limit */
	const char *choices; /* COTERIE_OPT_ENUM: words separated by spaces; else NULL */
	const char *help;    /* one line */
};

/** What a plugin says of itself. The first 16 bytes keep this layout in every ABI there will be. */
struct coterie_plugin {
	uint32_t magic;                        /* COTERIE_PLUGIN_MAGIC */
	uint16_t abi_major, abi_minor;         /* of the headers it was compiled with */
	uint32_t size;                         /* sizeof(struct coterie_plugin) over there */
	uint32_t kind;                         /* COTERIE_KIND_* */
	const char *name;                      /* [a-z0-9_]+; also the file, the folder and the section */
	const char *version, *description;     /* for people; one line each */
	uint64_t needs;                        /* COTERIE_CAP_*: abilities it cannot live without */
	uint64_t offers;                       /* COTERIE_CAN_* */
	const struct coterie_option *options;  /* may be NULL when option_count is 0 */
	uint32_t option_count, option_size;    /* elements, and the stride of one */
	const void *ops;                       /* struct coterie_service or struct coterie_transport */
};

/** What the executive hands out and takes back; opaque to plugins. */
struct coterie_ctx;          /* one loaded plugin, as the executive knows it */
struct coterie_client;       /* one IPC connection to a service */
struct coterie_timer;        /* one running timer */
struct coterie_map_iterator; /* a walk through a map */
struct coterie_map_tracker;  /* interest in changes of a map */
struct coterie_channel_grant; /* of <coterie/channel.h> */

/** Identity of a ring. Two are equal only if both parts are. */
struct coterie_ring_id {
	uint32_t representative; /* lowest node id of the ring */
	uint32_t pad;
	uint64_t seq;
};

/** Delivery guarantees of ring_send. */
#define COTERIE_AGREED 0u /* same order everywhere */
#define COTERIE_SAFE 1u   /* and delivered only when every member has it; agreed where a member cannot */

/** Rights of a client, each of which includes those before it (coterie.conf(5), ACCESS). */
#define COTERIE_RIGHT_OBSERVE 1u    /* read state, keys and statistics, and track them */
#define COTERIE_RIGHT_USE 2u        /* use groups, locks, stores, and keys that do not steer the daemon */
#define COTERIE_RIGHT_ADMINISTER 3u /* steer the daemon, its plugins and the ring */

/** Events of a descriptor; the values of poll(2). */
#define COTERIE_FD_IN 0x001u
#define COTERIE_FD_OUT 0x004u
#define COTERIE_FD_ERROR 0x008u
#define COTERIE_FD_HANGUP 0x010u

/** Type of a key in the configuration map; the numbers are those of the cmap client API. */
#define COTERIE_MAP_I8 1u
#define COTERIE_MAP_U8 2u
#define COTERIE_MAP_I16 3u
#define COTERIE_MAP_U16 4u
#define COTERIE_MAP_I32 5u
#define COTERIE_MAP_U32 6u
#define COTERIE_MAP_I64 7u
#define COTERIE_MAP_U64 8u
#define COTERIE_MAP_FLOAT 9u
#define COTERIE_MAP_DOUBLE 10u
#define COTERIE_MAP_STRING 11u
#define COTERIE_MAP_BINARY 12u

#define COTERIE_MAP_NAME_MAX 255u    /* characters of a key; at least 3 */
#define COTERIE_MAP_VALUE_MAX 16384u /* bytes of a value; a string's NUL comes on top */

/** The maps. */
#define COTERIE_MAP_CONFIG 0u /* configuration and run-time keys; volatile, of this node alone */
#define COTERIE_MAP_STATS 1u  /* statistics, computed when they are read */

/** Changes of a key; the numbers are those of the cmap client API. */
#define COTERIE_MAP_DELETED 1u
#define COTERIE_MAP_MODIFIED 2u
#define COTERIE_MAP_ADDED 4u
#define COTERIE_MAP_PREFIX 8u /* in map_track: all keys that begin so */

/** A value of a map. */
struct coterie_map_value {
	uint32_t type; /* COTERIE_MAP_I8 .. COTERIE_MAP_BINARY; 0: there is none */
	uint32_t size; /* bytes; of a string with its NUL */
	const void *bytes;
};

/**
 * Called at a change; everything is borrowed for the call. Counters that the executive changes in place
 * are reported with an empty `before`. A callback may change the map, and end its own tracker.
 */
typedef void (*coterie_map_notify)(void *arg, uint32_t event, const char *key,
	const struct coterie_map_value *now, const struct coterie_map_value *before);

/** One statistic: fill value (room for 256 bytes, aligned to 8) and return its size; a string's with NUL. */
typedef uint32_t (*coterie_stat_read)(void *arg, void *value);

/** What a quorum provider says, and who said it. */
struct coterie_quorum {
	uint32_t size;           /* of this struct, on the side that fills it */
	uint32_t is_quorate;
	struct coterie_ring_id ring;
	const uint32_t *members; /* member_count node ids of the provider's view, ascending; borrowed */
	uint32_t member_count;
	uint32_t pad;
	const char *provider;    /* plugin name; NULL: none is configured, is_quorate is 1 */
};

/**
 * A place in the order of the ring: where a message is delivered. Two members that deliver the message and come from the
 * same configuration have the same values.
 */
struct coterie_delivery {
	uint32_t size;             /* of this struct, set by the caller */
	uint32_t is_regular;       /* 0: the message is delivered in a transitional configuration: other members may never
	                              deliver it */
	uint32_t is_sender_member; /* 0: the sender is not a member of this configuration. It may be gone for ever */
	/* 1: all members have announced, before this place, that they are quorate, and none of them has left. 0 in a
	   transitional configuration that lacks a member, and from a new configuration until all have announced. */
	uint32_t is_quorate;
	struct coterie_ring_id ring; /* in which the message was sent */
	uint64_t position;           /* in that ring, ascending; with gaps */
};

/** Turns of a change of keys. */
#define COTERIE_REKEY_ACTIVATE 1u /* send with the new keys, still take packets of the old ones */
#define COTERIE_REKEY_CLEANUP 2u  /* forget the old keys */

/** States of the watch over a peer. */
#define COTERIE_WATCH_OFF 0u
#define COTERIE_WATCH_ON 1u
#define COTERIE_WATCH_BROKEN 2u
#define COTERIE_WATCH_CLOSED 3u

/** What the kernel of a peer's host shows while the peer's daemon sends nothing. */
#define COTERIE_WITNESS_UNKNOWN 0u /* no connection to the peer, or it is too early to tell */
#define COTERIE_WITNESS_ANSWERS 1u /* the host answers: the daemon is stopped or starves */
#define COTERIE_WITNESS_SILENT 2u  /* the host does not answer either: it is gone, or its link or path */

#define COTERIE_LINKS_MAX 8u
#define COTERIE_ADDRESS_TEXT 256u

/** One link to a node, as its transport sees it. */
struct coterie_link_status {
	uint8_t is_enabled, is_connected, is_dynamic, pad; /* is_dynamic: its address may change */
	uint32_t mtu;                            /* bytes of a frame */
	char source[COTERIE_ADDRESS_TEXT];       /* numeric addresses, NUL-terminated; may be empty */
	char destination[COTERIE_ADDRESS_TEXT];
};

/** A node, as its transport sees it. Zeroed, and size set, before it is filled. */
struct coterie_node_status {
	uint32_t size; /* of the struct of who asks */
	uint32_t nodeid;
	uint8_t is_reachable, is_remote, is_external;
	uint8_t onwire_min, onwire_max, onwire_version; /* knet's wire protocol; 0: none or unknown */
	uint8_t pad[2];
	struct coterie_link_status links[COTERIE_LINKS_MAX]; /* by link number */
};

/** One node of the configured node list. */
struct coterie_peer {
	uint32_t size; /* sizeof(struct coterie_peer) of the executive */
	uint32_t nodeid;
	uint32_t is_local; /* 1: this node */
	uint32_t link_count;
	const struct sockaddr_storage *addresses; /* link_count entries, resolved, with the link's port */
};

/** An arrived packet. */
struct coterie_arrival {
	struct coterie_frame *frame;  /* borrowed; the executive takes references of its own */
	const struct sockaddr *from;  /* borrowed; NULL when it came from this node through memory */
};

/**
 * What the executive gives a plugin: the only way in. Borrowed until fini or close has returned. A
 * member beyond `size`, or NULL, is not offered: ask with COTERIE_HAS().
 */
struct coterie_host {
	uint32_t size;                 /* bytes the executive really filled */
	uint16_t abi_major, abi_minor; /* of the executive */
	uint64_t caps;                 /* COTERIE_CAP_* */

	/* --- any thread --- */

	/** Write one log line. prio is that of syslog(3): LOG_ERR 3 .. LOG_DEBUG 7; 8 is trace. */
	void (*log)(struct coterie_ctx *ctx, int prio, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
	/** Run a function on the loop thread soon. -ENOMEM; -ESHUTDOWN once the plugin stops. */
	int (*post)(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);

	/* --- loop thread: time, descriptors --- */

	/** The loop's clock: nanoseconds, monotonic. */
	uint64_t (*now_ns)(struct coterie_ctx *ctx);
	/**
	 * Call run(arg) once at at_ns (now_ns' clock). The timer is gone when run is called.
	 * @param timer  out, may be NULL; valid until run is called or timer_del
	 * @return 0; -ENOMEM
	 */
	int (*timer_add)(struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg,
		struct coterie_timer **timer);
	/** Cancel a timer that has not run; NULL is ignored. */
	void (*timer_del)(struct coterie_ctx *ctx, struct coterie_timer *timer);
	/**
	 * Call run(arg, fd, revents) whenever fd is ready (level-triggered). The fd stays the plugin's.
	 * @param is_urgent  1: the ring's own traffic, served before everything else
	 * @return 0; -EEXIST; -ENOMEM
	 */
	int (*fd_add)(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
		void (*run)(void *arg, int fd, uint32_t revents), void *arg);
	int (*fd_mod)(struct coterie_ctx *ctx, int fd, uint32_t events); /* -ENOENT */
	void (*fd_del)(struct coterie_ctx *ctx, int fd);

	/* --- options of this plugin: the descriptor's list, the file's values, defaults filled in --- */

	/** -ENOENT: not in the descriptor; -ENODATA: unset and without default. */
	int (*option_u64)(struct coterie_ctx *ctx, const char *name, uint64_t *value);
	/** *value is borrowed until the next reload. Same errors. */
	int (*option_string)(struct coterie_ctx *ctx, const char *name, const char **value);

	/* --- configuration map --- */

	/** Set a key of any type; value is copied. -EINVAL: name or type; -ENOMEM. */
	int (*map_set)(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value,
		uint32_t value_size);
	/** Borrow a key's value until the key changes. Out parameters may be NULL. -ENOENT. */
	int (*map_get)(struct coterie_ctx *ctx, const char *key, uint32_t *type, const void **value,
		uint32_t *value_size);
	int (*map_delete)(struct coterie_ctx *ctx, const char *key); /* -ENOENT */

	/* --- the ring --- */

	uint32_t (*local_nodeid)(struct coterie_ctx *ctx);
	/**
	 * Multicast one message of this service (`function` indexes its ring messages) to all nodes, this
	 * one included, in the total order. The executive puts its 16-byte header in front; iov is the
	 * rest of the message, borrowed, copied before return. After a handler returned 0 the message is
	 * in the order or the node has left the ring.
	 * @param guarantee  COTERIE_AGREED or COTERIE_SAFE
	 * @return 0; -EAGAIN: the queue is full, try after `writable`; -EMSGSIZE: never possible
	 */
	int (*ring_send)(struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee,
		const struct iovec *iov, uint32_t count);
	/** Members of the current regular configuration, ascending. *nodeids is borrowed until it changes. */
	void (*membership)(struct coterie_ctx *ctx, struct coterie_ring_id *ring, const uint32_t **nodeids,
		uint32_t *count);
	uint32_t (*is_quorate)(struct coterie_ctx *ctx); /* 1 also when no quorum provider is loaded */

	/* --- clients of a service --- */

	/** Memory of client_size bytes (see struct coterie_service), zeroed, lives as long as the client. */
	void *(*client_data)(struct coterie_client *client);
	/** Credentials of the peer, as the kernel gave them. Pointers may be NULL. */
	void (*client_peer)(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid);
	/**
	 * Answer a request: the executive builds the 24-byte response header and appends iov (borrowed).
	 * A handler that answers by itself returns COTERIE_REPLIED. May come later than the handler (once
	 * per request); then the handler returns COTERIE_LATER.
	 * @param error  cs_error_t, CS_OK is 1
	 */
	int (*reply)(struct coterie_client *client, uint32_t response_id, int32_t error,
		const struct iovec *iov, uint32_t count);
	/**
	 * Send an event. Its 24-byte header is built by the executive; iov is the rest, borrowed, copied.
	 * Events of one client keep their order. When the client does not read, events queue up to a
	 * limit; beyond it the client is disconnected.
	 * @return 0; -EMSGSIZE: above 1048576 bytes together; -ENOTCONN: the client is going away
	 */
	int (*event)(struct coterie_client *client, uint32_t event_id, const struct iovec *iov,
		uint32_t count);
	/** End a connection; client_leave follows before this service sees another event of it. */
	void (*client_disconnect)(struct coterie_client *client);

	/* --- transports --- */

	/**
	 * Take a frame with room for capacity bytes; size is 0, the caller holds the one reference.
	 * NULL: out of memory, or the pool's limit is reached: drop what arrived.
	 */
	struct coterie_frame *(*frame_take)(struct coterie_ctx *ctx, uint32_t capacity);
	/** A frame that shows [offset, offset + size) of buffer and keeps it alive. NULL as above. */
	struct coterie_frame *(*frame_slice)(struct coterie_ctx *ctx, struct coterie_frame *buffer,
		uint32_t offset, uint32_t size);
	void (*frame_ref)(struct coterie_frame *frame);
	void (*frame_unref)(struct coterie_frame *frame);
	/** Hand up one batch, in the order of arrival. Arrivals are borrowed. */
	void (*frames_in)(struct coterie_ctx *ctx, const struct coterie_arrival *arrivals, uint32_t count);
	/** A link came up (is_up 1) or went down (0); text says why, for the log. */
	void (*link_state)(struct coterie_ctx *ctx, uint32_t link, uint32_t is_up, const char *text);
	/** A sign that the daemon on nodeid has ended. The ring asks it; it is never removed for this alone. A
	    transport that knows more calls peer_watch (COTERIE_WATCH_CLOSED) and peer_refused. */
	void (*peer_dead)(struct coterie_ctx *ctx, uint32_t nodeid);
	/** The transport takes frames again after it accepted fewer than offered. */
	void (*writable)(struct coterie_ctx *ctx);

	/* --- since 1.1: both maps (COTERIE_CAP_STATS); `which` is COTERIE_MAP_CONFIG or _STATS --- */

	/**
	 * Borrow a value until the key changes (configuration) or until the next call that reads statistics.
	 * @return 0; -ENOENT
	 */
	int (*map_read)(struct coterie_ctx *ctx, uint32_t which, const char *key,
		struct coterie_map_value *value);
	/**
	 * Walk the keys that begin with prefix (NULL, "": all) in ascending byte order. The map may change
	 * meanwhile: keys deleted ahead do not come, keys added ahead do.
	 * @param iterator  out; ended with map_iterate_end, before fini returns
	 * @return 0; -ENOMEM
	 */
	int (*map_iterate)(struct coterie_ctx *ctx, uint32_t which, const char *prefix,
		struct coterie_map_iterator **iterator);
	/** The next key, or NULL at the end, also at each further call. Both borrowed until the next call;
	    value may be NULL. A string of the statistics comes with size 0 and without bytes. */
	const char *(*map_iterate_next)(struct coterie_map_iterator *iterator, struct coterie_map_value *value);
	void (*map_iterate_end)(struct coterie_map_iterator *iterator); /* NULL is ignored */
	/**
	 * Call notify(arg, …) at changes of a key, or of all keys that begin so.
	 * @param events   COTERIE_MAP_DELETED | _MODIFIED | _ADDED, and _PREFIX. In the statistics, prefixes
	 *     report keys that come and go; a single key MODIFIED, at most once in 1.5 s
	 * @param tracker  out; ended with map_untrack
	 * @return 0; -ENOTSUP: a prefix of the statistics without both _ADDED and _DELETED; -ENOMEM
	 */
	int (*map_track)(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events,
		coterie_map_notify notify, void *arg, struct coterie_map_tracker **tracker);
	void (*map_untrack)(struct coterie_ctx *ctx, struct coterie_map_tracker *tracker); /* NULL is ignored */
	/** Add delta to an integer key; wraps around in its own width. -ENOENT; -EINVAL: not an integer. */
	int (*map_adjust)(struct coterie_ctx *ctx, const char *key, int64_t delta);
	/** Keep clients from changing a key, or all keys that begin so; plugins still can. -ENOMEM */
	int (*map_protect)(struct coterie_ctx *ctx, const char *key, uint32_t is_prefix);
	uint32_t (*map_is_protected)(struct coterie_ctx *ctx, const char *key);

	/**
	 * Offer a statistic under a key of the statistics map, until stat_del or the plugin's end. read runs on
	 * the loop thread.
	 * @param type  COTERIE_MAP_*
	 * @return 0; -EEXIST; -EINVAL: name or type; -ENOMEM
	 */
	int (*stat_add)(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read,
		void *arg);
	void (*stat_del)(struct coterie_ctx *ctx, const char *key);
	/** Call run(arg) when the operator clears the statistics of this name ("knet"), or all. -ENOMEM */
	int (*stats_on_clear)(struct coterie_ctx *ctx, const char *name, void (*run)(void *arg), void *arg);
	/** Clear: totem, ipc, schedmiss, all, or a plugin's own name. -ENOENT: nobody has such statistics */
	int (*stats_clear)(struct coterie_ctx *ctx, const char *name);

	/* --- since 1.1: quorum (COTERIE_CAP_QUORUM) --- */

	/**
	 * A provider's verdict. The executive copies it, logs it, opens or closes the gate of requests that
	 * need quorum, then tells the watchers, also when nothing changed. Until the first verdict a node
	 * with a provider is not quorate.
	 * @param quorum  borrowed; provider is ignored
	 * @return 0; -EPERM: quorum.provider does not name this plugin, or it does not offer
	 *     COTERIE_CAN_QUORUM; -EINVAL: a count without a list; -ENOMEM
	 */
	int (*quorum_publish)(struct coterie_ctx *ctx, const struct coterie_quorum *quorum);
	/** The last verdict; without one, an empty view. *quorum is filled up to its size; the list is
	    borrowed until the next verdict. */
	void (*quorum_get)(struct coterie_ctx *ctx, struct coterie_quorum *quorum);
	/** Call run(arg, quorum) at every verdict, until the plugin's end; once per plugin. -EEXIST; -ENOMEM */
	int (*quorum_watch)(struct coterie_ctx *ctx,
		void (*run)(void *arg, const struct coterie_quorum *quorum), void *arg);

	/* --- since 1.1: administration (COTERIE_CAP_ADMIN) --- */

	/** 1: every member of the ring takes part in safe delivery, so COTERIE_SAFE means what it says. */
	uint32_t (*is_safe_kept)(struct coterie_ctx *ctx);
	/** Status of a node, this one included. *status is filled up to its size. -ENOENT: the transport does
	    not know it; -ENOTSUP: it cannot say. */
	int (*node_status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
	/** A node's configured addresses, or those it joined with. *peer is filled up to its size; the list
	    is borrowed until the next reload. -ENOENT */
	int (*node_addresses)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_peer *peer);
	/** End the daemon in order: clients are sent away, queued messages go out, the node leaves. Returns at
	    once. */
	void (*stop)(struct coterie_ctx *ctx);
	/** End the daemon now, without leaving the ring, with this exit status. reason goes to the log. Does
	    not return. */
	void (*die)(struct coterie_ctx *ctx, int32_t exit_status, const char *reason);
	/**
	 * Read the config file again, without holding up the loop, then apply what can change while running and
	 * log what cannot. One reload at a time; later ones wait for their turn.
	 * @param done  called on the loop thread, once, unless the plugin ends before: rc is 0, -EINVAL (the
	 *     file is refused; nothing changed) or -ENOMEM; text, borrowed, says what was wrong or is ""
	 * @return 0; -ENOMEM
	 */
	int (*reload)(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	int (*log_reopen)(struct coterie_ctx *ctx); /* close and open the log files, after rotation; -errno of the first */

	/* --- since 1.1: small files in the node's state folder, which outlive the daemon --- */

	/**
	 * Read what state_file_write stored. One folder for all plugins: choose a name that says whose it is.
	 * @param name  [A-Za-z0-9_-]+, at most 40 characters
	 * @param size  room in bytes
	 * @return size of the file, at most `size` bytes of it are read; -ENOENT; -EINVAL: name; -errno
	 */
	int (*state_file_read)(struct coterie_ctx *ctx, const char *name, void *bytes, uint32_t size);
	/** Replace a file, mode 0600: durable when it returns 0, the old content or the new after a crash. */
	int (*state_file_write)(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size);

	/* --- since 1.2: the key of an encrypted ring (COTERIE_CAP_CRYPTO): book encryption, "Key in memory" --- */

	/**
	 * The ring's secret key, read together with the config file: totem.keyfile, totem.key or the default
	 * file. *bytes is borrowed until the next reload; it never shows in a map or a log.
	 * @return 0; -ENODATA: neither cipher nor hash is configured
	 */
	int (*key_get)(struct coterie_ctx *ctx, const void **bytes, uint32_t *size);
	/**
	 * Call run(arg) when a reload made the transport hold new keys beside those in use (its reload returned
	 * COTERIE_RELOAD_REKEY), until the plugin's end. The watcher agrees with the other nodes, then calls
	 * rekey. Once per plugin.
	 * @return 0; -EEXIST; -ENOMEM
	 */
	int (*rekey_watch)(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);
	/**
	 * Go on with the change of keys that was announced last: first COTERIE_REKEY_ACTIVATE, when every member
	 * holds the new keys, then COTERIE_REKEY_CLEANUP, when every member uses them.
	 * @return 0; -ENOTSUP: the transport has no keys; -EINVAL: no change under way, or the wrong turn;
	 *     other errors of the transport
	 */
	int (*rekey)(struct coterie_ctx *ctx, uint32_t phase);

	/* --- since 1.2: transports --- */

	/**
	 * The network says that nobody listens where a frame for nodeid went (ICMP port unreachable). One sign
	 * may be forged, late or about one packet: the ring asks the peer and removes it when frames it knows
	 * to be its own were refused and the peer is silent. Not from inside an operation of the transport.
	 * @param quote  what the network quotes of the frame, from its start: borrowed; size may be 0, but
	 *     only quoted frames count, and 64 bytes and more are enough
	 */
	void (*peer_refused)(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size);

	/* --- since 1.3: reload in two steps, so that all nodes apply a change or none (COTERIE_CAP_LIFE) --- */

	/**
	 * First step: read and check the config file, without holding up the loop, and keep what is in it;
	 * nothing changes yet. What was kept before is dropped. Waits for its turn as reload does.
	 * @param done  called on the loop thread, once, unless the plugin ends before. rc is 0, -EINVAL (the file
	 *     is refused, nothing is kept) or -ENOMEM. text, borrowed: lines that say what would change, each
	 *     "change KEY OLD -> NEW" or "restart KEY OLD -> NEW" (keeps its old value until a restart); or
	 *     why the file is refused
	 * @return 0; -ENOMEM
	 */
	int (*reload_prepare)(
		struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	/** Second step: apply what was kept, before it returns. 0; -ENOENT: nothing is kept; -EINVAL: it can no
	    longer be applied, nothing changed; -EBUSY: called from a ring message or a configuration: `post`,
	    then call it; -ENOMEM. */
	int (*reload_commit)(struct coterie_ctx *ctx);
	void (*reload_drop)(struct coterie_ctx *ctx); /* second step, the other way: forget what was kept */

	/* --- since 1.3: the life of other plugins (COTERIE_CAP_LIFE); style of the answers as of reload --- */

	/**
	 * Load a plugin while the daemon runs. A service takes part in the ring from the next configuration or
	 * synchronisation on, which loading it brings about.
	 * @param what     name of a plugin in the search path, or an absolute path of a file
	 * @param options  count strings "KEY=VALUE", over what the config file says; borrowed
	 * @param done     called on the loop thread, once, unless the caller's plugin ends before, maybe before
	 *     plugin_load returns. rc: 0; -EEXIST: its name, ring id or IPC name is in use; -ENOENT: no such
	 *     file; -EPERM: users other than root and the daemon's own can change the file or exchange it;
	 *     -EINVAL: descriptor or options refused; -EALREADY: another change is under way; errno of its
	 *     init. text, borrowed: file and reason, or ""
	 * @return 0; -ENOMEM
	 */
	int (*plugin_load)(struct coterie_ctx *ctx, const char *what, const char *const *options,
		uint32_t count, void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Unload a service or extension: its IPC name closes, its clients end with the error of an absent
	 * service, it drains, fini, and its file is closed.
	 * @param drain_ms  how long it may drain; 0: as long as when the daemon ends
	 * @param done      rc: 0; -ENOENT: not loaded; -EBUSY: others cannot do without it (the transport, the
	 *     quorum provider, the caller itself); -EALREADY
	 */
	int (*plugin_unload)(struct coterie_ctx *ctx, const char *name, uint32_t drain_ms,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Put a new file in place of a loaded service. Its init runs beside the old one; then, in one turn of
	 * the loop, the state goes over (state_save, state_load), with clients, ring id and IPC name. Refused at
	 * any step, the old one serves on.
	 * @param path    absolute; NULL: the name in the search path again
	 * @param forced  not 0: one that cannot take over the state starts cold, its clients are sent away
	 * @param done    rc: 0; -ENOENT; -EALREADY: also when the file is the one that runs; -ENOTSUP: it cannot
	 *     take over the state; -EPERM, -EINVAL: as of plugin_load; errno of its init
	 */
	int (*plugin_replace)(struct coterie_ctx *ctx, const char *name, const char *path, uint32_t forced,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/** A number of a client that is never used again while the daemon runs and stays when the plugin is
	    replaced: what state_save writes down for it. client_data is zeroed memory for the new plugin. */
	uint64_t (*client_id)(struct coterie_client *client);
	/** The caller's client with this number, in state_load too; NULL: it has gone. */
	struct coterie_client *(*client_find)(struct coterie_ctx *ctx, uint64_t id);

	/* --- since 1.4: fast channels (COTERIE_CAP_CHANNEL); the client's side is in <coterie/channel.h> --- */

	/**
	 * Give a client a fast channel. From then on the executive reads its messages and calls the service's
	 * channel_message, without which none is given.
	 * @param offer  size bytes behind the end of a request, which may be anything; borrowed
	 * @param grant  filled in: the end of the answer
	 * @return 0; else answer as ever: -ENOTSUP: no offer that is understood, or nobody here wants one;
	 *     -EALREADY: it has one; -EAGAIN: not now; -EACCES: the client lacks COTERIE_RIGHT_USE; -errno of
	 *     what could not be made
	 */
	int (*channel_open)(struct coterie_client *client, const void *offer, uint32_t size,
		struct coterie_channel_grant *grant);
	/**
	 * As event, for a message of a member: with the few bytes that a record has.
	 * @return as event; -ENOENT: the client has no channel: send an event
	 */
	int (*channel_deliver)(struct coterie_client *client, uint32_t nodeid, uint32_t pid,
		const struct iovec *iov, uint32_t count);

	/* --- since 1.4: transports --- */

	/**
	 * How connections to the daemon on nodeid fare, made by the transport's operation watch or by that daemon.
	 * COTERIE_WATCH_ON: one is up, and the peer's kernel will close it when its daemon ends.
	 * COTERIE_WATCH_OFF: one is over, in a way that says nothing of the daemon (a goodbye, a timeout).
	 * COTERIE_WATCH_BROKEN: one was reset, by the peer's kernel or by something in between: a reason to ask that
	 * daemon, no more. COTERIE_WATCH_CLOSED: the peer's kernel closed one in order, without a goodbye of the
	 * daemon. The ring asks that daemon then, and removes it if it stays silent and its kernel refuses
	 * datagrams (peer_refused). Each ON is followed by one of the others.
	 */
	void (*peer_watch)(struct coterie_ctx *ctx, uint32_t nodeid, uint32_t state);

	/* --- since 1.5: rights of clients (COTERIE_CAP_RIGHTS) --- */

	/**
	 * Check a right that a request needs because of its contents. Flags of the request table state a right
	 * that all requests of one id need (COTERIE_OBSERVES, COTERIE_ADMINISTERS). The executive counts and logs
	 * a refusal as the client's, so call it only for a request that is refused with the result.
	 * @param right  COTERIE_RIGHT_OBSERVE .. COTERIE_RIGHT_ADMINISTER
	 * @return 0; -EACCES: the client does not have it; -EINVAL: no such right
	 */
	int (*client_may)(struct coterie_client *client, uint32_t right);

	/* --- since 1.6: another key of the ring, which all nodes take or none (COTERIE_CAP_CRYPTO) --- */

	/**
	 * First step: check that this node can take the key, and store it beside the key file, without holding up the
	 * loop. The ring's key and the key file stay. One key at a time.
	 *
	 * @param key   copied: size bytes, 128 .. 4,096. Wipe it afterwards.
	 * @param done  called on the loop thread, on a later turn, once, unless the plugin ends before. rc is 0,
	 *     -EINVAL (nothing is kept) or -ENOMEM. text, borrowed: why, or ""
	 * @return 0; -ENODATA: the ring is not encrypted; -EINVAL: size; -EALREADY: a key is prepared; -ENOMEM
	 */
	int (*key_prepare)(struct coterie_ctx *ctx, const void *key, uint32_t size,
		void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Second step: make the transport load the key (rekey_watch), and put it in the place of the key file.
	 *
	 * @param text  out: size bytes, for the operator, on errors
	 * @return 0; -ENOENT: no key is prepared; -EBUSY: called from a ring message or a configuration: `post`, then
	 *     call it; -EINVAL, -ENOMEM: the transport keeps its key, and the new one stays beside the key file; -EIO: the
	 *     transport has loaded the key, but the key file is the one before
	 */
	int (*key_commit)(struct coterie_ctx *ctx, char *text, uint32_t size);
	void (*key_drop)(struct coterie_ctx *ctx); /* second step, the other way: forget the key that was prepared */

	/* --- since 1.6: clients that send faster than they read --- */

	/**
	 * Return whether a client may begin a message whose delivery is an event for that client, too. Call it in the
	 * handler of a request with an answer, before ring_send. Do not call it for further parts of a message that has begun.
	 * The executive itself holds back requests with COTERIE_NO_REPLY, and messages of fast channels.
	 * @return 0; -EAGAIN: many events wait for the client, which has to read first: the handler's result
	 */
	int (*client_may_send)(struct coterie_client *client);

	/* --- since 1.6: a ring that breaks while it agrees on a key (COTERIE_CAP_CRYPTO) --- */

	/**
	 * Second step, if this node cannot know whether nodes outside of its ring use the key: forget the key that was
	 * prepared, and leave its file beside the key file. The next key_prepare replaces the file.
	 */
	void (*key_leave)(struct coterie_ctx *ctx);

	/* --- since 1.7: what a service can know of its place in the order (COTERIE_CAP_DELIVERY) --- */

	/**
	 * Return the place in the order at which the service is called: inside deliver, deliver_parts and sync_done, where
	 * it is the message with which the synchronisation ends.
	 *
	 * ring.seq and position together are a number that grows with the order: compare ring.seq first. Neither is used
	 * again by a ring that this node is in later, also after a restart, as long as the node keeps its state folder. Two
	 * parts of a partitioned cluster may grow apart: only what is_quorate allows is unique.
	 *
	 * @param delivery  out: size bytes, which the caller has set
	 * @return 0; -ENODATA: called from elsewhere
	 */
	int (*delivery)(struct coterie_ctx *ctx, struct coterie_delivery *delivery);
	/**
	 * Return which members of the ring run this service, as all of them know at this place in the order.
	 *
	 * @param nodeids  out: at most room node ids, ascending; NULL with room 0
	 * @return how many there are; -EAGAIN: the members have not all told, as in sync_start; -ENOTSUP: the service has no
	 *     sync_step, so that nobody tells
	 */
	int (*service_members)(struct coterie_ctx *ctx, uint32_t *nodeids, uint32_t room);
};

/** True when the other side's table is long enough to hold the member, and the member is set. */
#define COTERIE_HAS(table, member)                                                                         \
	((table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) &&              \
		(table)->member != NULL)

#define COTERIE_OPTIONS(array)                                                                             \
	.options = (array), .option_count = sizeof(array) / sizeof((array)[0]),                            \
	.option_size = sizeof((array)[0])

/**
 * Define a plugin's descriptor, the one symbol it exports: `id_LTX_coterie_plugin`. id is the bare name
 * of the plugin. `COTERIE_PLUGIN(tally, .kind = COTERIE_KIND_SERVICE, .version = "1.0", …, .ops = &ops);`
 */
#define COTERIE_PLUGIN(id, ...)                                                                            \
	extern const struct coterie_plugin id##_LTX_coterie_plugin;                                        \
	__attribute__((visibility("default"))) const struct coterie_plugin id##_LTX_coterie_plugin = {     \
		.magic = COTERIE_PLUGIN_MAGIC,                                                             \
		.abi_major = COTERIE_ABI_MAJOR,                                                            \
		.abi_minor = COTERIE_ABI_MINOR,                                                            \
		.size = sizeof(struct coterie_plugin),                                                     \
		.name = #id,                                                                               \
		__VA_ARGS__}

static_assert(sizeof(void *) != 8 || sizeof(struct coterie_plugin) == 80, "descriptor ABI 1.0");
static_assert(offsetof(struct coterie_plugin, kind) == 12, "the first 16 bytes never change");

#endif
