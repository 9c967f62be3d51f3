/*
 * The plugin ABI: the descriptor of a plugin, and the functions that the executive gives it. A plugin needs this
 * header and service.h or transport.h. It must include no other header of Coterie, except for frame.h, state.h and
 * channel.h.
 *
 * History
 *   1.0  first version
 *   1.1  both maps with iteration and tracking, statistics of plugins, quorum verdicts and their providers,
 *        status of nodes and links, stop, reload and logs, state files, a service's dump, a transport's
 *        node_status
 *   1.2  keys of an encrypted ring and their change; a transport's link_down and rekey; peer_refused
 *   1.3  reload in two steps; plugins loaded, unloaded and replaced; clients that outlive their plugin
 *   1.4  fast channels between clients and services; a service's channel_message; a transport's capacity and
 *        watch, and peer_watch
 *   1.5  a transport's witness; rights of clients: COTERIE_OBSERVES and COTERIE_ADMINISTERS of requests, client_may;
 *        COTERIE_TELLS_QUORUM; a transport's overhead
 *   1.6  a new key of the ring that the executive stores: key_prepare, key_commit, key_drop, key_leave; client_may_send
 *   1.7  the place in the order of the ring: delivery and service_members
 *
 * Rules. A change of an existing byte or of its meaning raises the major number. An appended member raises the minor
 * number. A behaviour that no size shows gets a capability bit. Members are never moved, reused or given a new
 * signature. All integers have a fixed width, and padding has a name. An array comes with its count and its stride. The
 * side that allocates memory frees it. Functions return 0 or a negative errno.
 *
 * Threads. The executive calls a plugin on the loop thread only. From its own threads a plugin may call only `log` and
 * `post`. It must join all its threads before `fini` or `close` returns.
 *
 * Life of a plugin:
 *   found    file or builtin located
 *   checked  descriptor accepted
 *   ready    options valid, init returned 0: log, timers, descriptors, options and map may be used
 *   running  ring up, IPC name open: all functions may be used
 *   stopped  fini is called: only log may be used
 * When fini has returned, the executive cancels all timers, descriptors and posts that are still held, and reports each
 * as a leak. `init` must work twice in one process, so a plugin must have no static state.
 *
 * A plugin file has exactly one exported symbol, made by COTERIE_PLUGIN(). Link with `-Wl,-z,defs -Wl,-z,now`, so
 * that a missing function is found when the file is opened. Replace an installed file by renaming (`install`, `mv`),
 * never by writing over it. A running daemon loads a file only if no user except root and the daemon's own can write
 * the file or a folder above it. It opens the file through a descriptor, so $ORIGIN in its run path has no meaning.
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

/** Kinds of plugins. */
#define COTERIE_KIND_TRANSPORT 1u
#define COTERIE_KIND_SERVICE 2u
#define COTERIE_KIND_EXTENSION 3u

/** Abilities of the executive, which a plugin may need (`needs`), and which the executive announces (`caps`). */
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

/** Abilities of a plugin that its table does not show (`offers`). */
#define COTERIE_CAN_RELOAD (UINT64_C(1) << 0)
#define COTERIE_CAN_UNPRIVILEGED (UINT64_C(1) << 1)
#define COTERIE_CAN_HAND_OVER (UINT64_C(1) << 2) /* has state_save and state_load, or no state except in the maps */
#define COTERIE_CAN_QUORUM (UINT64_C(1) << 3)    /* may be named as quorum.provider */
#define COTERIE_CAN_TELL_REFUSED (UINT64_C(1) << 4) /* calls peer_refused. So the ring sends packets to idle peers,
                                                       which their kernels can refuse */

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
	const char *initial; /* default value as text, or NULL: unset */
	uint64_t min, max;   /* numbers, durations, sizes: inclusive; 0, 0: no limit */
	const char *choices; /* COTERIE_OPT_ENUM: words separated by spaces; otherwise NULL */
	const char *help;    /* one line */
};

/** The descriptor of a plugin. The first 16 bytes keep this layout in all future ABIs. */
struct coterie_plugin {
	uint32_t magic;                        /* COTERIE_PLUGIN_MAGIC */
	uint16_t abi_major, abi_minor;         /* of the headers it was compiled with */
	uint32_t size;                         /* sizeof(struct coterie_plugin) in these headers */
	uint32_t kind;                         /* COTERIE_KIND_* */
	const char *name;                      /* [a-z0-9_]+, also of the file, the folder and the section */
	const char *version, *description;     /* for people, one line each */
	uint64_t needs;                        /* COTERIE_CAP_*: abilities that it cannot work without */
	uint64_t offers;                       /* COTERIE_CAN_* */
	const struct coterie_option *options;  /* may be NULL if option_count is 0 */
	uint32_t option_count, option_size;    /* elements, and the stride of one */
	const void *ops;                       /* struct coterie_service or struct coterie_transport */
};

/** Objects of the executive, opaque to plugins. */
struct coterie_ctx;          /* one loaded plugin */
struct coterie_client;       /* one IPC connection to a service */
struct coterie_timer;        /* one running timer */
struct coterie_map_iterator; /* an iteration over a map */
struct coterie_map_tracker;  /* a function that is called at changes of a map */
struct coterie_channel_grant; /* of <coterie/channel.h> */

/** Identity of a ring. Two are equal only if both parts are. */
struct coterie_ring_id {
	uint32_t representative; /* lowest node id of the ring */
	uint32_t pad;
	uint64_t seq;
};

/** Delivery guarantees of ring_send. */
#define COTERIE_AGREED 0u /* the same order at all members */
#define COTERIE_SAFE 1u   /* also: delivered only when all members have it. Agreed if a member does not implement it */

/** Rights of a client, each of which includes those before it (coterie.conf(5), ACCESS). */
#define COTERIE_RIGHT_OBSERVE 1u    /* read state, keys and statistics, and track them */
#define COTERIE_RIGHT_USE 2u        /* use groups, locks, stores, and keys that do not control the daemon */
#define COTERIE_RIGHT_ADMINISTER 3u /* control the daemon, its plugins and the ring */

/** Events of a descriptor, with the values of poll(2). */
#define COTERIE_FD_IN 0x001u
#define COTERIE_FD_OUT 0x004u
#define COTERIE_FD_ERROR 0x008u
#define COTERIE_FD_HANGUP 0x010u

/** Type of a key in the configuration map, with the numbers of the cmap client API. */
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

#define COTERIE_MAP_NAME_MAX 255u    /* most characters of a key, which has at least 3 */
#define COTERIE_MAP_VALUE_MAX 16384u /* bytes of a value, without the NUL of a string */

/** The maps. */
#define COTERIE_MAP_CONFIG 0u /* configuration and run-time keys of this node, in memory only */
#define COTERIE_MAP_STATS 1u  /* statistics, computed when they are read */

/** Changes of a key, with the numbers of the cmap client API. */
#define COTERIE_MAP_DELETED 1u
#define COTERIE_MAP_MODIFIED 2u
#define COTERIE_MAP_ADDED 4u
#define COTERIE_MAP_PREFIX 8u /* in map_track: all keys with this prefix */

/** A value of a map. */
struct coterie_map_value {
	uint32_t type; /* COTERIE_MAP_I8 .. COTERIE_MAP_BINARY, or 0: there is none */
	uint32_t size; /* bytes, of a string with its NUL */
	const void *bytes;
};

/**
 * Called at a change. All arguments are borrowed for the call. Counters that the executive changes in place
 * are reported with an empty `before`. A callback may change the map, and end its own tracker.
 */
typedef void (*coterie_map_notify)(void *arg, uint32_t event, const char *key,
	const struct coterie_map_value *now, const struct coterie_map_value *before);

/** Read one statistic: fill value (room for 256 bytes, aligned to 8) and return its size, of a string with its NUL. */
typedef uint32_t (*coterie_stat_read)(void *arg, void *value);

/** The verdict of a quorum provider. */
struct coterie_quorum {
	uint32_t size;           /* of this struct, on the side that fills it */
	uint32_t is_quorate;
	struct coterie_ring_id ring;
	const uint32_t *members; /* member_count node ids of the provider's view, ascending; borrowed */
	uint32_t member_count;
	uint32_t pad;
	const char *provider;    /* plugin name, or NULL: none is configured, is_quorate is 1 */
};

/**
 * A place in the order of the ring: where a message is delivered. ring and position are the same on all members that
 * deliver the message. The other values are the same on members that go on to the next configuration together. A member
 * that is cut off may deliver a message in the regular configuration that the others deliver in a transitional one.
 */
struct coterie_delivery {
	uint32_t size;             /* of this struct, set by the caller */
	uint32_t is_regular;       /* 0: the message is delivered in a transitional configuration: other members may never
	                              deliver it */
	uint32_t is_sender_member; /* 0: the sender is not a member of this configuration. It may be gone for ever */
	/* 1: all members that announce have announced, before this place, that they are quorate, and no member has left.
	   Corosync and executives before 1.7 do not announce. 0 in a transitional configuration that lacks a member, and
	   from a new configuration until all have announced. */
	uint32_t is_quorate;
	struct coterie_ring_id ring; /* in which the message was sent */
	uint64_t position;           /* in that ring, ascending; with gaps */
};

/** Phases of a change of keys. */
#define COTERIE_REKEY_ACTIVATE 1u /* send with the new keys, still accept packets of the old ones */
#define COTERIE_REKEY_CLEANUP 2u  /* forget the old keys */

/** States of the watch over a peer. */
#define COTERIE_WATCH_OFF 0u
#define COTERIE_WATCH_ON 1u
#define COTERIE_WATCH_BROKEN 2u
#define COTERIE_WATCH_CLOSED 3u

/** Whether the kernel of a peer's host answers while the peer's daemon sends nothing. */
#define COTERIE_WITNESS_UNKNOWN 0u /* no connection to the peer, or it is too early to know */
#define COTERIE_WITNESS_ANSWERS 1u /* the host answers: the daemon is stopped or gets no processor time */
#define COTERIE_WITNESS_SILENT 2u  /* the host does not answer either: the host, its link or the path has failed */

#define COTERIE_LINKS_MAX 8u
#define COTERIE_ADDRESS_TEXT 256u

/** One link to a node, as its transport sees it. */
struct coterie_link_status {
	uint8_t is_enabled, is_connected, is_dynamic, pad; /* is_dynamic: its address may change */
	uint32_t mtu;                            /* bytes of a frame */
	char source[COTERIE_ADDRESS_TEXT];       /* numeric addresses, NUL-terminated, may be empty */
	char destination[COTERIE_ADDRESS_TEXT];
};

/** A node, as its transport sees it. Zeroed, and size set, before it is filled. */
struct coterie_node_status {
	uint32_t size; /* of the caller's struct */
	uint32_t nodeid;
	uint8_t is_reachable, is_remote, is_external;
	uint8_t onwire_min, onwire_max, onwire_version; /* knet's wire protocol, or 0: none or unknown */
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
	struct coterie_frame *frame;  /* borrowed: the executive takes its own references */
	const struct sockaddr *from;  /* borrowed, or NULL: it came from this node through memory */
};

/**
 * The host table: functions of the executive that a plugin may call. It is borrowed until fini or close has returned.
 * A member beyond `size`, or NULL, is not there: check with COTERIE_HAS().
 */
struct coterie_host {
	uint32_t size;                 /* bytes that the executive has filled */
	uint16_t abi_major, abi_minor; /* of the executive */
	uint64_t caps;                 /* COTERIE_CAP_* */

	/* --- any thread --- */

	/** Write one log line. prio is that of syslog(3), LOG_ERR 3 .. LOG_DEBUG 7, or 8 for trace. */
	void (*log)(struct coterie_ctx *ctx, int prio, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
	/** Run a function on the loop thread soon. -ENOMEM; -ESHUTDOWN when the plugin stops. */
	int (*post)(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);

	/* --- loop thread: time, descriptors --- */

	/** Return the time of the loop's clock: nanoseconds, monotonic. */
	uint64_t (*now_ns)(struct coterie_ctx *ctx);
	/**
	 * Call run(arg) once at at_ns, by the clock of now_ns. The timer no longer exists when run is called.
	 * @param timer  out, may be NULL; valid until run is called or timer_del
	 * @return 0; -ENOMEM
	 */
	int (*timer_add)(struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg,
		struct coterie_timer **timer);
	/** Cancel a timer that has not run. NULL is ignored. */
	void (*timer_del)(struct coterie_ctx *ctx, struct coterie_timer *timer);
	/**
	 * Call run(arg, fd, revents) whenever fd is ready (level-triggered). The plugin still owns fd.
	 * @param is_urgent  1: traffic of the ring, served before all others
	 * @return 0; -EEXIST; -ENOMEM
	 */
	int (*fd_add)(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
		void (*run)(void *arg, int fd, uint32_t revents), void *arg);
	int (*fd_mod)(struct coterie_ctx *ctx, int fd, uint32_t events); /* -ENOENT */
	void (*fd_del)(struct coterie_ctx *ctx, int fd);

	/* --- options of this plugin: those of the descriptor, with the values of the file or their defaults --- */

	/** Get an option. -ENOENT: not in the descriptor; -ENODATA: unset and without default. */
	int (*option_u64)(struct coterie_ctx *ctx, const char *name, uint64_t *value);
	/** Get an option. *value is borrowed until the next reload. Same errors. */
	int (*option_string)(struct coterie_ctx *ctx, const char *name, const char **value);

	/* --- configuration map --- */

	/** Set a key of any type. value is copied. -EINVAL: name or type; -ENOMEM. */
	int (*map_set)(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value,
		uint32_t value_size);
	/** Borrow a key's value until the key changes. Out parameters may be NULL. -ENOENT. */
	int (*map_get)(struct coterie_ctx *ctx, const char *key, uint32_t *type, const void **value,
		uint32_t *value_size);
	int (*map_delete)(struct coterie_ctx *ctx, const char *key); /* -ENOENT */

	/* --- the ring --- */

	uint32_t (*local_nodeid)(struct coterie_ctx *ctx);
	/**
	 * Multicast one message of this service to all nodes, this one included, in the total order. `function` is an
	 * index of its ring messages. The executive puts its 16-byte header in front. iov is the rest of the message,
	 * borrowed, copied before return. After a result of 0 the message gets its place, unless the node leaves the
	 * ring.
	 * @param guarantee  COTERIE_AGREED or COTERIE_SAFE
	 * @return 0; -EAGAIN: the queue is full, try again later; -EMSGSIZE: never possible
	 */
	int (*ring_send)(struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee,
		const struct iovec *iov, uint32_t count);
	/** Get the members of the present regular configuration, ascending. *nodeids is borrowed until it changes. */
	void (*membership)(struct coterie_ctx *ctx, struct coterie_ring_id *ring, const uint32_t **nodeids,
		uint32_t *count);
	uint32_t (*is_quorate)(struct coterie_ctx *ctx); /* also 1 if no quorum provider is loaded */

	/* --- clients of a service --- */

	/** Return the memory of a client: client_size bytes (see struct coterie_service), zeroed at its start. */
	void *(*client_data)(struct coterie_client *client);
	/** Get the credentials of the peer from the kernel. Pointers may be NULL. */
	void (*client_peer)(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid);
	/**
	 * Answer a request. The executive builds the 24-byte response header and appends iov (borrowed). A handler
	 * that has called this returns COTERIE_REPLIED. A handler may also return COTERIE_LATER, and the plugin
	 * calls this later, once for the request.
	 * @param error  cs_error_t, CS_OK is 1
	 */
	int (*reply)(struct coterie_client *client, uint32_t response_id, int32_t error,
		const struct iovec *iov, uint32_t count);
	/**
	 * Send an event. The executive builds its 24-byte header. iov is the rest, borrowed, copied. Events of one
	 * client keep their order. If the client does not read, events wait up to a limit. Beyond it the client is
	 * disconnected.
	 * @return 0; -EMSGSIZE: more than 1048576 bytes in all; -ENOTCONN: the connection is ending
	 */
	int (*event)(struct coterie_client *client, uint32_t event_id, const struct iovec *iov,
		uint32_t count);
	/** End a connection. client_leave is the next call for this client. */
	void (*client_disconnect)(struct coterie_client *client);

	/* --- transports --- */

	/**
	 * Take a frame with room for capacity bytes. Its size is 0, and the caller owns the one reference.
	 * NULL: out of memory, or the pool's limit is reached: drop the packet.
	 */
	struct coterie_frame *(*frame_take)(struct coterie_ctx *ctx, uint32_t capacity);
	/** Make a frame that shows [offset, offset + size) of buffer and keeps it alive. NULL as above. */
	struct coterie_frame *(*frame_slice)(struct coterie_ctx *ctx, struct coterie_frame *buffer,
		uint32_t offset, uint32_t size);
	void (*frame_ref)(struct coterie_frame *frame);
	void (*frame_unref)(struct coterie_frame *frame);
	/** Hand up one batch, in the order of arrival. Arrivals are borrowed. */
	void (*frames_in)(struct coterie_ctx *ctx, const struct coterie_arrival *arrivals, uint32_t count);
	/** Report that a link came up (is_up 1) or went down (0). text is the reason, for the log. */
	void (*link_state)(struct coterie_ctx *ctx, uint32_t link, uint32_t is_up, const char *text);
	/** Report a sign that the daemon on nodeid has ended. The ring asks that daemon, and does not remove it for this
	    alone. A transport that knows more calls peer_watch (COTERIE_WATCH_CLOSED) and peer_refused. */
	void (*peer_dead)(struct coterie_ctx *ctx, uint32_t nodeid);
	/** Report that the transport accepts frames again, after it accepted fewer than it was given. */
	void (*writable)(struct coterie_ctx *ctx);

	/* --- since 1.1: both maps (COTERIE_CAP_STATS); `which` is COTERIE_MAP_CONFIG or _STATS --- */

	/**
	 * Borrow a value until the key changes (configuration) or until the next call that reads statistics.
	 * @return 0; -ENOENT
	 */
	int (*map_read)(struct coterie_ctx *ctx, uint32_t which, const char *key,
		struct coterie_map_value *value);
	/**
	 * Iterate over the keys that begin with prefix (NULL, "": all) in ascending byte order. The map may change
	 * meanwhile. Changes of later keys are seen.
	 * @param iterator  out; end it with map_iterate_end, before fini returns
	 * @return 0; -ENOMEM
	 */
	int (*map_iterate)(struct coterie_ctx *ctx, uint32_t which, const char *prefix,
		struct coterie_map_iterator **iterator);
	/** Return the next key, or NULL at the end and at each further call. Key and value are borrowed until the next
	    call. value may be NULL. A string of the statistics has size 0 and no bytes here. */
	const char *(*map_iterate_next)(struct coterie_map_iterator *iterator, struct coterie_map_value *value);
	void (*map_iterate_end)(struct coterie_map_iterator *iterator); /* NULL is ignored */
	/**
	 * Call notify(arg, …) at changes of a key, or of all keys with this prefix.
	 * @param events   COTERIE_MAP_DELETED | _MODIFIED | _ADDED, and _PREFIX. In the statistics a prefix
	 *     reports added and deleted keys, and a single key MODIFIED, at most once in 1.5 s
	 * @param tracker  out; end it with map_untrack
	 * @return 0; -ENOTSUP: a prefix of the statistics without both _ADDED and _DELETED; -ENOMEM
	 */
	int (*map_track)(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events,
		coterie_map_notify notify, void *arg, struct coterie_map_tracker **tracker);
	void (*map_untrack)(struct coterie_ctx *ctx, struct coterie_map_tracker *tracker); /* NULL is ignored */
	/** Add delta to an integer key. It wraps around in its own width. -ENOENT; -EINVAL: not an integer. */
	int (*map_adjust)(struct coterie_ctx *ctx, const char *key, int64_t delta);
	/** Make a key, or all keys with this prefix, read-only for clients. Plugins still can change it. -ENOMEM */
	int (*map_protect)(struct coterie_ctx *ctx, const char *key, uint32_t is_prefix);
	uint32_t (*map_is_protected)(struct coterie_ctx *ctx, const char *key);

	/**
	 * Offer a statistic as a key of the statistics map, until stat_del or the plugin's end. read runs on the
	 * loop thread.
	 * @param type  COTERIE_MAP_*
	 * @return 0; -EEXIST; -EINVAL: name or type; -ENOMEM
	 */
	int (*stat_add)(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read,
		void *arg);
	void (*stat_del)(struct coterie_ctx *ctx, const char *key);
	/** Call run(arg) when the operator clears the statistics of this name ("knet"), or all. -ENOMEM */
	int (*stats_on_clear)(struct coterie_ctx *ctx, const char *name, void (*run)(void *arg), void *arg);
	/** Clear statistics: totem, ipc, schedmiss, all, or those of a plugin's own name. -ENOENT: there are none */
	int (*stats_clear)(struct coterie_ctx *ctx, const char *name);

	/* --- since 1.1: quorum (COTERIE_CAP_QUORUM) --- */

	/**
	 * Publish the verdict of a provider. The executive copies and logs it, opens or closes the gate of requests
	 * that need quorum, then tells the watchers, even if it has not changed. Until the first verdict a node with
	 * a provider is not quorate.
	 * @param quorum  borrowed; provider is ignored. ring: the present ring. The verdict is announced to the other
	 *     members only with it, and once in each ring at least (coterie_delivery, is_quorate).
	 * @return 0; -EPERM: quorum.provider does not name this plugin, or it does not offer
	 *     COTERIE_CAN_QUORUM; -EINVAL: a count without a list; -ENOMEM
	 */
	int (*quorum_publish)(struct coterie_ctx *ctx, const struct coterie_quorum *quorum);
	/** Get the last verdict, or an empty view if there is none. *quorum is filled up to its size. The list is
	    borrowed until the next verdict. */
	void (*quorum_get)(struct coterie_ctx *ctx, struct coterie_quorum *quorum);
	/** Call run(arg, quorum) at each verdict, until the plugin's end. Only once for a plugin. -EEXIST; -ENOMEM */
	int (*quorum_watch)(struct coterie_ctx *ctx,
		void (*run)(void *arg, const struct coterie_quorum *quorum), void *arg);

	/* --- since 1.1: administration (COTERIE_CAP_ADMIN) --- */

	/** Return 1 if all members of the ring implement safe delivery, so that COTERIE_SAFE has its effect. */
	uint32_t (*is_safe_kept)(struct coterie_ctx *ctx);
	/** Get the status of a node, this one included. *status is filled up to its size. -ENOENT: the transport does
	    not know the node; -ENOTSUP: the transport has no status. */
	int (*node_status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
	/** Get a node's configured addresses, or those that it joined with. *peer is filled up to its size. The list
	    is borrowed until the next reload. -ENOENT */
	int (*node_addresses)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_peer *peer);
	/** End the daemon in order: clients are disconnected, queued messages are sent, the node leaves the ring.
	    Returns at once. */
	void (*stop)(struct coterie_ctx *ctx);
	/** End the daemon at once with this exit status, without leaving the ring. reason is logged. Does not
	    return. */
	void (*die)(struct coterie_ctx *ctx, int32_t exit_status, const char *reason);
	/**
	 * Read the config file again, without holding up the loop. Apply changes that are possible in a running
	 * daemon, and log the others. One reload runs at a time, later ones wait.
	 * @param done  called on the loop thread, once, unless the plugin ends before. rc is 0, -EINVAL (the file
	 *     is refused, nothing has changed) or -ENOMEM. text, borrowed: the reason, or ""
	 * @return 0; -ENOMEM
	 */
	int (*reload)(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	int (*log_reopen)(struct coterie_ctx *ctx); /* open the log files again, after rotation. -errno of the first error */

	/* --- since 1.1: small files in the node's state folder, which stay after the daemon ends --- */

	/**
	 * Read a file of state_file_write. All plugins share one folder: put the plugin's name into that of the file.
	 * @param name  [A-Za-z0-9_-]+, at most 40 characters
	 * @param size  room in bytes
	 * @return size of the file, at most `size` bytes of it are read; -ENOENT; -EINVAL: name; -errno
	 */
	int (*state_file_read)(struct coterie_ctx *ctx, const char *name, void *bytes, uint32_t size);
	/**
	 * Replace a file, mode 0600. It is durable when this returns 0. After a crash it has the old or the new
	 * content.
	 */
	int (*state_file_write)(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size);

	/* --- since 1.2: the key of an encrypted ring (COTERIE_CAP_CRYPTO): book encryption, "Key in memory" --- */

	/**
	 * Get the ring's secret key, which is read together with the config file: totem.keyfile, totem.key or the
	 * default file. *bytes is borrowed until the next reload. The key is in no map and no log.
	 * @return 0; -ENODATA: neither cipher nor hash is configured
	 */
	int (*key_get)(struct coterie_ctx *ctx, const void **bytes, uint32_t *size);
	/**
	 * Call run(arg) when the transport has loaded new keys beside those in use (its reload returned
	 * COTERIE_RELOAD_REKEY), until the plugin's end. The watcher agrees with the other nodes, then calls
	 * rekey. Only once for a plugin.
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
	 * Report that no process listens at the address of a frame for nodeid (ICMP port unreachable). One report may
	 * be forged, late or about one packet. So the ring asks the peer. It removes the peer only if frames that it
	 * knows as its own were refused, and the peer is silent. Do not call this from inside an operation of the
	 * transport.
	 * @param quote  the part of the frame that the report quotes, from its start: borrowed; size may be 0, but
	 *     only quoted frames count, and 64 bytes are enough
	 */
	void (*peer_refused)(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size);

	/* --- since 1.3: reload in two steps, so that all nodes apply a change or none (COTERIE_CAP_LIFE) --- */

	/**
	 * First step: read and check the config file, without holding up the loop, and keep the new configuration.
	 * The running configuration does not change yet. A configuration that was kept before is dropped. The step waits
	 * for earlier reloads, as reload does.
	 * @param done  called on the loop thread, once, unless the plugin ends before. rc is 0, -EINVAL (the file
	 *     is refused, nothing is kept) or -ENOMEM. text, borrowed: a line for each change, "change KEY OLD -> NEW"
	 *     or "restart KEY OLD -> NEW" (the old value stays until a restart); or the reason why the file is
	 *     refused
	 * @return 0; -ENOMEM
	 */
	int (*reload_prepare)(
		struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
	/** Second step: apply the kept configuration before this returns. 0; -ENOENT: nothing is kept; -EINVAL: it can
	    no longer be applied, nothing has changed; -EBUSY: called from a ring message or a configuration: `post` it;
	    -ENOMEM. */
	int (*reload_commit)(struct coterie_ctx *ctx);
	void (*reload_drop)(struct coterie_ctx *ctx); /* the other second step: drop the kept configuration */

	/* --- since 1.3: the life of other plugins (COTERIE_CAP_LIFE). `done` is as that of reload --- */

	/**
	 * Load a plugin while the daemon runs. A service takes part in the ring from the next configuration or
	 * synchronisation on, which this call causes.
	 * @param what     name of a plugin in the search path, or an absolute path of a file
	 * @param options  count strings "KEY=VALUE", which override the config file; borrowed
	 * @param done     called on the loop thread, once, unless the caller's plugin ends before, maybe before
	 *     plugin_load returns. rc: 0; -EEXIST: its name, ring id or IPC name is in use; -ENOENT: no such
	 *     file; -EPERM: users other than root and the daemon's own can change or replace the file;
	 *     -EINVAL: descriptor or options refused; -EALREADY: another change is under way; errno of its
	 *     init. text, borrowed: file and reason, or ""
	 * @return 0; -ENOMEM
	 */
	int (*plugin_load)(struct coterie_ctx *ctx, const char *what, const char *const *options,
		uint32_t count, void (*done)(void *arg, int rc, const char *text), void *arg);
	/**
	 * Unload a service or extension. Its IPC name is closed, its clients get the error of an absent service,
	 * drain and fini are called, and its file is closed.
	 * @param drain_ms  time that it has to drain; 0: as at the end of the daemon
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
	/** Return the number of a client, for state_save. It is never used again while the daemon runs, and stays when the
	    plugin is replaced. The new plugin has zeroed client_data. */
	uint64_t (*client_id)(struct coterie_client *client);
	/** Return the caller's client with this number, also in state_load. NULL: it has gone. */
	struct coterie_client *(*client_find)(struct coterie_ctx *ctx, uint64_t id);

	/* --- since 1.4: fast channels (COTERIE_CAP_CHANNEL); the client's side is in <coterie/channel.h> --- */

	/**
	 * Give a client a fast channel. From then on the executive reads its messages and calls the service's
	 * channel_message, which the service must have.
	 * @param offer  size bytes behind the end of a request, not checked yet; borrowed
	 * @param grant  filled in: the end of the answer
	 * @return 0; otherwise answer without a grant: -ENOTSUP: no valid offer, or the service has no
	 *     channel_message; -EALREADY: it has one; -EAGAIN: not now; -EACCES: the client lacks
	 *     COTERIE_RIGHT_USE; -errno of the memory or the socket
	 */
	int (*channel_open)(struct coterie_client *client, const void *offer, uint32_t size,
		struct coterie_channel_grant *grant);
	/**
	 * Send a message of a member as an event, with the short head of a channel's record.
	 * @return as event; -ENOENT: the client has no channel: call event
	 */
	int (*channel_deliver)(struct coterie_client *client, uint32_t nodeid, uint32_t pid,
		const struct iovec *iov, uint32_t count);

	/* --- since 1.4: transports --- */

	/**
	 * Report the state of a connection to the daemon on nodeid, made by the operation watch or by that daemon.
	 * COTERIE_WATCH_ON: it is up. The peer's kernel will close it when its daemon ends.
	 * COTERIE_WATCH_OFF: it ended in a way that shows nothing about the daemon (a goodbye, a timeout).
	 * COTERIE_WATCH_BROKEN: it was reset, by the peer's kernel or by a host in between. The ring asks that daemon.
	 * COTERIE_WATCH_CLOSED: the peer's kernel closed it in order, without a goodbye of the daemon. The ring asks
	 * that daemon, and removes it if it stays silent and its kernel refuses datagrams (peer_refused). After each
	 * ON comes one of the others.
	 */
	void (*peer_watch)(struct coterie_ctx *ctx, uint32_t nodeid, uint32_t state);

	/* --- since 1.5: rights of clients (COTERIE_CAP_RIGHTS) --- */

	/**
	 * Check a right that a request needs because of its contents. (A right that all requests of one id need is a
	 * flag of the request table: COTERIE_OBSERVES, COTERIE_ADMINISTERS.) The executive counts and logs a refusal.
	 * So call this only if the result decides about the request.
	 * @param right  COTERIE_RIGHT_OBSERVE .. COTERIE_RIGHT_ADMINISTER
	 * @return 0; -EACCES: the client does not have it; -EINVAL: no such right
	 */
	int (*client_may)(struct coterie_client *client, uint32_t right);

	/* --- since 1.6: a new key of the ring, which all nodes take or none (COTERIE_CAP_CRYPTO) --- */

	/**
	 * First step: check that this node can take the key, and store it beside the key file, without holding up the
	 * loop. The ring's key and the key file do not change. There is one such key at a time.
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
	 * @return 0; -ENOENT: no key is prepared; -EBUSY: called from a ring message or a configuration: `post` it;
	 *     -EINVAL, -ENOMEM: the transport keeps its key, and the new one stays beside the key file; -EIO: the
	 *     transport has loaded the key, but the key file still has the old one
	 */
	int (*key_commit)(struct coterie_ctx *ctx, char *text, uint32_t size);
	void (*key_drop)(struct coterie_ctx *ctx); /* the other second step: forget the prepared key */

	/* --- since 1.6: clients that send faster than they read --- */

	/**
	 * Return whether a client may begin a message whose delivery is also an event for that client. Call this in the
	 * handler of a request with an answer, before ring_send, but not for further parts of a message. The executive
	 * itself holds back requests with COTERIE_NO_REPLY, and messages of fast channels.
	 * @return 0; -EAGAIN: many events wait, and the client must read first: return this from the handler
	 */
	int (*client_may_send)(struct coterie_client *client);

	/* --- since 1.6: a ring that splits while it agrees on a key (COTERIE_CAP_CRYPTO) --- */

	/**
	 * Second step, if this node cannot know whether nodes outside of its ring use the key: forget the prepared
	 * key, and leave its file beside the key file. The next key_prepare replaces the file.
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
	 * @return how many there are; -EAGAIN: not all members have told, as in sync_start; -ENOTSUP: the service has no
	 *     sync_step, so no member tells. In configuration the list may be that of the ring before.
	 */
	int (*service_members)(struct coterie_ctx *ctx, uint32_t *nodeids, uint32_t room);
};

/** True if the other side's table is long enough to have the member, and the member is not NULL. */
#define COTERIE_HAS(table, member)                                                                         \
	((table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) &&              \
		(table)->member != NULL)

#define COTERIE_OPTIONS(array)                                                                             \
	.options = (array), .option_count = sizeof(array) / sizeof((array)[0]),                            \
	.option_size = sizeof((array)[0])

/**
 * Define a plugin's descriptor, the one symbol that it exports: `id_LTX_coterie_plugin`. id is the bare name
 * of the plugin. `COTERIE_PLUGIN(tally, .kind = COTERIE_KIND_SERVICE, .version = "1.0", …, .ops = &ops);`
 */
#ifdef __cplusplus
/* C++ wants designators in the order of the members. They are an extension before C++20. So .kind comes first here, too. */
#define COTERIE_PLUGIN(id, first, ...)                                                                     \
	extern "C" {                                                                                       \
	extern const struct coterie_plugin id##_LTX_coterie_plugin __attribute__((visibility("default"))); \
	__extension__ const struct coterie_plugin                                                          \
		id##_LTX_coterie_plugin = {.magic = COTERIE_PLUGIN_MAGIC,                                  \
			.abi_major = COTERIE_ABI_MAJOR,                                                    \
			.abi_minor = COTERIE_ABI_MINOR,                                                    \
			.size = sizeof(struct coterie_plugin),                                             \
			first,                                                                             \
			.name = #id,                                                                       \
			__VA_ARGS__};                                                                      \
	}                                                                                                  \
	static_assert(true, "the semicolon behind the macro")
#else
#define COTERIE_PLUGIN(id, ...)                                                                            \
	extern const struct coterie_plugin id##_LTX_coterie_plugin;                                        \
	__attribute__((visibility("default"))) const struct coterie_plugin id##_LTX_coterie_plugin = {     \
		.magic = COTERIE_PLUGIN_MAGIC,                                                             \
		.abi_major = COTERIE_ABI_MAJOR,                                                            \
		.abi_minor = COTERIE_ABI_MINOR,                                                            \
		.size = sizeof(struct coterie_plugin),                                                     \
		.name = #id,                                                                               \
		__VA_ARGS__}
#endif

static_assert(sizeof(void *) != 8 || sizeof(struct coterie_plugin) == 80, "descriptor ABI 1.0");
static_assert(offsetof(struct coterie_plugin, kind) == 12, "the first 16 bytes never change");

#endif
