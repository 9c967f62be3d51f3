/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugin ABI: the descriptor of a plugin, and the functions that the executive gives it. A plugin needs this
 * header and service.h or transport.h, which include host.h. It must include no other header of Coterie, except for
 * frame.h, state.h and channel.h.
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
 *   1.8  a service's writable; answers that come later; state files stored beside the loop; metrics with labels;
 *        calls to other services; lists of options. The host table has a header of its own, <coterie/host.h>
 *   1.9  names of options in corosync.conf (legacy); checks of a configuration (check); names in the log (log_name)
 *   1.10 votes of a quorum verdict: votes and needed
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
 *   stopped  fini is called: log, functions that read, functions that end what the plugin holds (timer_del, fd_del,
 *            map_iterate_end, map_untrack, stat_del, metric_del, call_close) and state files may be used
 *
 * In fini, post, timer_add and fd_add return -ESHUTDOWN, and ring_send returns -EAGAIN.
 *
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
#define COTERIE_ABI_MINOR 10
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
#define COTERIE_CAP_WRITABLE (UINT64_C(1) << 13) /* a service's writable is called */
#define COTERIE_CAP_REPLIES (UINT64_C(1) << 14)  /* reply_later, reply_finish, reply_adopt */
#define COTERIE_CAP_FILES (UINT64_C(1) << 15)    /* state_file_store */
#define COTERIE_CAP_METRICS (UINT64_C(1) << 16)  /* metric_add .. metric_observe */
#define COTERIE_CAP_CALLS (UINT64_C(1) << 17)    /* call_open, call_send, call_close */

/** Abilities of a plugin that its table of functions does not show (`offers`). */
#define COTERIE_CAN_RELOAD (UINT64_C(1) << 0)
#define COTERIE_CAN_UNPRIVILEGED (UINT64_C(1) << 1)
/* Has state_save and state_load, or keeps all its state in the maps. */
#define COTERIE_CAN_HAND_OVER (UINT64_C(1) << 2)
#define COTERIE_CAN_QUORUM (UINT64_C(1) << 3) /* may be named as quorum.provider */
#define COTERIE_CAN_TELL_REFUSED \
	(UINT64_C(1) << 4) /* calls peer_refused. So the ring sends packets to idle peers,
                                                       which the kernels of their hosts can refuse */

/** Type of an option. All values are written as text in the config file. */
#define COTERIE_OPT_BOOL 1u
#define COTERIE_OPT_U32 2u
#define COTERIE_OPT_U64 3u
#define COTERIE_OPT_MS 4u   /* a duration; read as milliseconds */
#define COTERIE_OPT_SIZE 5u /* bytes */
#define COTERIE_OPT_STRING 6u
#define COTERIE_OPT_ENUM 7u    /* one of choices */
#define COTERIE_OPT_ADDRESS 8u /* a host name or IP address */
#define COTERIE_OPT_LIST 9u    /* of strings */

#define COTERIE_OPT_RELOAD 1u /* flag: the option may change while the plugin runs */
#define COTERIE_OPT_SECRET 2u /* flag: the value is never shown */

/** One option that a plugin accepts in its section of the config file. */
struct coterie_option {
	const char *name;    /* also the key in the section; [a-z0-9_]+ */
	uint32_t type;       /* COTERIE_OPT_BOOL .. COTERIE_OPT_LIST */
	uint32_t flags;      /* COTERIE_OPT_RELOAD, COTERIE_OPT_SECRET */
	const char *initial; /* default value as text, or NULL: unset */
	uint64_t min, max;   /* numbers, durations, sizes: inclusive; 0, 0: no limit */
	const char *choices; /* COTERIE_OPT_ENUM: words separated by spaces; otherwise NULL */
	const char *help;    /* one line */
	/**
	 * The key that this option is in corosync.conf, or NULL: none. For example "totem.acme_depth" is `acme_depth`
	 * in the section `totem` of that file, and the key of that name in the map. With coterie.conf the option makes
	 * the same key. So each syntax can be printed as the other. A legacy name has 2 to 8 parts of [a-z0-9_]+ with
	 * dots between them, at most 200 characters together. The first part is not "runtime", "coterie", "nodelist",
	 * "logging", "uidgid", "service" or "transport". The names "totem.interface.*" and "totem.key" are taken. An
	 * option with a legacy name must not be secret. A key that the executive reads itself keeps its meaning there.
	 * The option then reads the same value.
	 */
	const char *legacy;
};

/** Syntax of a config file. */
#define COTERIE_SYNTAX_COTERIE 1u  /* coterie.conf */
#define COTERIE_SYNTAX_COROSYNC 2u /* corosync.conf */

/** Purpose of a check. */
#define COTERIE_CHECK_START 1u  /* the daemon starts with this configuration, or a tool prints it */
#define COTERIE_CHECK_TEST 2u   /* `coterie -t`: nothing is started, so a check also reports what init would refuse */
#define COTERIE_CHECK_RELOAD 3u /* the running daemon has read its file, or keys of the map, again */

/** A key of a configuration. Its name is that of the key in the map. */
struct coterie_config_key {
	const char *key;  /* "totem.interface.0.mcastport" */
	const char *text; /* the value. A number is in plain decimal */
	const char *file; /* file that sets the key; NULL: none */
	uint32_t line;    /* line in that file. 0: the executive derived the key, or the key was changed in the map */
	uint32_t type;    /* COTERIE_MAP_*: type of the value in the map */
	uint64_t number;  /* value of an integer, in two's complement if it is negative. 0 for a text */
};

/** A node of a configuration. */
struct coterie_config_node {
	const char *name;  /* or NULL: none */
	uint32_t position; /* number N in the names of its keys, nodelist.node.N.* */
	uint32_t nodeid;   /* or 0: none */
	uint32_t links;    /* bit N is set if the node has an address on link N */
	uint32_t is_local; /* 1: this node */
};

/**
 * A configuration that the executive has read. It may have errors, which the executive has reported: then keys and
 * nodes may be missing. Everything that can be reached from the view is borrowed for the call of check. Elements are
 * longer in later ABIs, so go from node to node by node_size.
 */
struct coterie_config_view {
	/* since 1.9 */
	uint32_t size;                           /* bytes of this struct that the executive filled */
	uint32_t key_size;                       /* bytes of a key */
	uint32_t syntax;                         /* COTERIE_SYNTAX_* */
	uint32_t purpose;                        /* COTERIE_CHECK_* */
	const struct coterie_config_node *nodes; /* node_count, in order of position */
	uint32_t node_count, node_size;
	const char *transport; /* name of the transport plugin */
	const char *provider;  /* name of the quorum provider plugin, or NULL: none */
	const void *context;   /* for the executive only */
	/** Return the key of this name, or NULL. */
	const struct coterie_config_key *(*find)(const struct coterie_config_view *view, const char *key);
	/**
	 * Iterate over the keys that begin with prefix, in the order of the file.
	 *
	 * @param before  the key that was returned last; NULL: begin
	 * @return NULL: there are no more keys
	 */
	const struct coterie_config_key *(*next)(
		const struct coterie_config_view *view, const char *prefix, const struct coterie_config_key *before);
	/**
	 * Find a service that the configuration loads.
	 * @return a key with its file and line, good until the next call. line 0: it is one of the standard services. NULL:
	 *     the service is not loaded
	 */
	const struct coterie_config_key *(*service)(const struct coterie_config_view *view, const char *name);
	/**
	 * Return the name that the file's syntax has for a key: "two-node" or "two_node" for quorum.two_node. The text
	 * is valid until the next call. For a key without an option in coterie.conf it is the last part of the key.
	 */
	const char *(*name)(const struct coterie_config_view *view, const char *key);
};

/**
 * How check reports. The executive puts the file and line of `at` in front of each text, and counts the texts. at may
 * be NULL: the file as a whole. A text is one line, "what is wrong: what to do", in words of the file's syntax.
 */
struct coterie_config_report {
	/* since 1.9 */
	uint32_t size; /* bytes of this struct that the executive filled */
	uint32_t pad;
	void *context; /* for the executive only */
	/** The configuration is refused: no start, exit status 8 at `coterie -t`, no reload. */
	void (*error)(const struct coterie_config_report *report, const struct coterie_config_key *at,
		const char *format, ...) __attribute__((format(printf, 3, 4)));
	/** The configuration is accepted. The text is logged, and printed by `coterie -t`. */
	void (*warning)(const struct coterie_config_report *report, const struct coterie_config_key *at,
		const char *format, ...) __attribute__((format(printf, 3, 4)));
};

/** The descriptor of a plugin. The first 16 bytes keep this layout in all future ABIs. */
struct coterie_plugin {
	uint32_t magic;                       /* COTERIE_PLUGIN_MAGIC */
	uint16_t abi_major, abi_minor;        /* of the headers it was compiled with */
	uint32_t size;                        /* sizeof(struct coterie_plugin) in these headers */
	uint32_t kind;                        /* COTERIE_KIND_* */
	const char *name;                     /* [a-z0-9_]+, also the name of the file, the folder and the section */
	const char *version, *description;    /* for operators, one line each */
	uint64_t needs;                       /* COTERIE_CAP_*: an executive without one of these refuses the plugin */
	uint64_t offers;                      /* COTERIE_CAN_*: what the executive may do with the plugin */
	const struct coterie_option *options; /* may be NULL if option_count is 0 */
	uint32_t option_count, option_size;   /* number of elements, and size of one */
	const void *ops;                      /* struct coterie_service or struct coterie_transport */

	/* since 1.9 */
	/**
	 * Check a configuration that uses this plugin. NULL: its options have no rules beyond their types and limits.
	 * The executive calls this for the transport, for the quorum provider and for each other service that the
	 * configuration loads. It does so before it loads the plugin, and in processes that never load it. At a reload
	 * it calls this for each plugin that runs. No init or open comes first, and there is no host table: the
	 * function must depend on its arguments only. It must not block, and must not keep a pointer. It runs on the
	 * thread that loads plugins.
	 */
	void (*check)(const struct coterie_config_view *view, const struct coterie_config_report *report);
	const char *log_name; /* name of its lines in the log, also for logger_subsys, or NULL: its name in capitals */
};

/** Objects of the executive, opaque to plugins. */
struct coterie_ctx;             /* one loaded plugin */
struct coterie_client;          /* one IPC connection to a service */
struct coterie_timer;           /* one running timer */
struct coterie_map_iterator;    /* an iteration over a map */
struct coterie_map_tracker;     /* a function that is called at changes of a map */
struct coterie_channel_grant;   /* of <coterie/channel.h> */
struct coterie_series;          /* one metric of a plugin */
struct coterie_call;            /* a connection of a plugin to another service of this node */
struct coterie_response_header; /* of <coterie/service.h> */

/** Identity of a ring. Two identities are equal only if representative and seq are equal. */
struct coterie_ring_id {
	uint32_t representative; /* lowest node id of the ring */
	uint32_t pad;
	uint64_t seq;
};

/** Delivery guarantees of ring_send. */
#define COTERIE_AGREED 0u /* the same order at all members */
/*
 * As COTERIE_AGREED, and only when all members have the message. Delivered as agreed if a member does not implement it.
 */
#define COTERIE_SAFE 1u

/** Rights of a client, each of which includes those before it (coterie.conf(5), ACCESS). */
#define COTERIE_RIGHT_OBSERVE 1u    /* read state, keys and statistics, and track them */
#define COTERIE_RIGHT_USE 2u        /* use groups, locks, stores, and keys that do not control the daemon */
#define COTERIE_RIGHT_ADMINISTER 3u /* control the daemon, its plugins and the ring */

/** Events of a file descriptor, with the values of poll(2). */
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
 * Called at a change. All arguments are borrowed for the call. For counters that the executive changes in place
 * `before` is empty. A callback may change the map, and end its own tracker.
 */
typedef void (*coterie_map_notify)(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before);

/** Read one statistic: fill value (room for 256 bytes, aligned to 8) and return its size, of a string with its NUL. */
typedef uint32_t (*coterie_stat_read)(void *arg, void *value);

/** The verdict of a quorum provider. */
struct coterie_quorum {
	uint32_t size; /* of this struct, on the side that fills it */
	uint32_t is_quorate;
	struct coterie_ring_id ring;
	/* Node ids of the members in the ring that the verdict is about, ascending; borrowed. */
	const uint32_t *members;
	uint32_t member_count;
	uint32_t pad;
	const char *provider; /* plugin name, or NULL: none is configured, is_quorate is 1 */
	/* since 1.10: votes of each member, in the order of members; borrowed. NULL: not known */
	const uint32_t *votes;
	/*
	 * since 1.10: number of votes that two parts of the cluster without a common node never have both. 0: not
	 * known. Usually more than half of the expected votes. With `needed` and `votes`, a node goes on to serve
	 * requests that need quorum while a minority of its ring is silent. Without them such requests wait until all
	 * members answer again, or until a ring without the silent members has formed.
	 */
	uint32_t needed;
	uint32_t pad_needed;
};

/**
 * A place in the order of the ring: where a message is delivered. ring and position are the same on all members that
 * deliver the message. The other values are the same on members that go on to the next configuration together. A member
 * that is cut off may deliver a message in the regular configuration that the others deliver in a transitional one.
 *
 * Rules for a service that grants something are at struct coterie_ring_msg in <coterie/service.h>.
 */
struct coterie_delivery {
	uint32_t size; /* of this struct, set by the caller */
	/* 0: the message is delivered in a transitional configuration: other members may never deliver it. */
	uint32_t is_regular;
	uint32_t is_sender_member; /* 0: the sender is not a member of this configuration. It may never come back */
	/*
	 * 1: before this place all members that announce their quorum have announced that they are quorate, and no
	 * member has left. Corosync and executives before 1.7 do not announce it. 0: in a transitional configuration
	 * that lacks a member, and in a new configuration until all have announced.
	 */
	uint32_t is_quorate;
	struct coterie_ring_id ring; /* ring in which the message was sent */
	uint64_t position;           /* place in that ring, ascending, with gaps */
};

/** Reasons why an answer is no longer wanted. */
/* The time to answer is over: the client receives the error "timeout" (CS_ERR_TIMEOUT, 5) */
#define COTERIE_REPLY_TIMEOUT 1u
#define COTERIE_REPLY_LEFT 2u /* the client has gone, or its connection is ending */

/** Called once for a token that was not finished in time. token is void from then on. reason: COTERIE_REPLY_*. */
typedef void (*coterie_reply_gone)(void *arg, uint64_t token, uint32_t reason);

/** Kinds of metrics. */
#define COTERIE_METRIC_COUNTER 1u   /* grows: metric_count */
#define COTERIE_METRIC_GAUGE 2u     /* a value: metric_set */
#define COTERIE_METRIC_HISTOGRAM 3u /* values in buckets: metric_observe */

#define COTERIE_METRIC_LABELS_MAX 8u
#define COTERIE_METRIC_BOUNDS_MAX 32u
#define COTERIE_METRIC_SERIES_MAX 1024u /* of one plugin */

/** One label of a metric. */
struct coterie_label {
	const char *name;  /* [a-zA-Z_][a-zA-Z0-9_]*, not "le" */
	const char *value; /* UTF-8 */
};

/**
 * A metric. Metrics of one name are a family: they have the same kind, help and bounds, and different labels. The names
 * of a metric's samples are coterie_service_PLUGIN__NAME, with "_total", "_bucket", "_sum" and "_count" of OpenMetrics.
 */
struct coterie_metric {
	uint32_t size; /* of this struct, set by the plugin */
	uint32_t kind; /* COTERIE_METRIC_* */
	/* [a-z][a-z0-9_]*, at most 40 characters, with the unit: "wait_seconds". Without "__" inside, and without "_", "_total",
	   "_bucket", "_sum", "_count", "_info" and "_created" at the end */
	const char *name;
	const char *help; /* one line of UTF-8, at most 200 bytes, without \ and " */
	/* label_count labels, in any order. As NAME="VALUE" they have at most 240 bytes. */
	const struct coterie_label *labels;
	const double *
		bounds; /* of a histogram: bound_count upper bounds, ascending, each included. The last bucket has none */
	uint32_t label_count, bound_count;
};

/**
 * The functions of a plugin that calls another service. Each is called on a separate turn of the loop, never inside a
 * function of the host table. Messages are borrowed.
 */
struct coterie_caller {
	uint32_t size; /* of this struct, set by the plugin */
	uint32_t pad;  /* 0 */
	/**
	 * Called with the answer of a request, in the order of the requests: a request is sent only when the one before
	 * has its answer.
	 */
	void (*answered)(void *arg, const struct coterie_response_header *answer);
	void (*event)(void *arg, const struct coterie_response_header *event); /* or NULL: events are dropped */
	/**
	 * Called when the service has ended the connection, or is unloaded. Requests without an answer get none. The
	 * call is void.
	 */
	void (*ended)(void *arg);
};

/** Phases of a change of keys. */
#define COTERIE_REKEY_ACTIVATE 1u /* send with the new keys, and still accept packets of the old ones */
#define COTERIE_REKEY_CLEANUP 2u  /* forget the old keys */

/** States of the connection by which a peer is watched. */
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
	uint32_t mtu;                                      /* bytes of a frame */
	char source[COTERIE_ADDRESS_TEXT];                 /* numeric addresses, NUL-terminated, may be empty */
	char destination[COTERIE_ADDRESS_TEXT];
};

/** A node, as its transport sees it. The caller zeroes the struct and sets size. */
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
	struct coterie_frame *frame; /* borrowed: the executive takes its own references */
	const struct sockaddr *from; /* borrowed, or NULL: the packet came from this node through memory */
};

/** Return whether the table of the other side is long enough to have the member, and the member is not NULL. */
#define COTERIE_HAS(table, member) \
	((table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) && (table)->member != NULL)

#define COTERIE_OPTIONS(array) \
	.options = (array), .option_count = sizeof(array) / sizeof((array)[0]), .option_size = sizeof((array)[0])

/**
 * Define a plugin's descriptor, the only symbol that the plugin exports: `id_LTX_coterie_plugin`. id is the plain name
 * of the plugin. `COTERIE_PLUGIN(tally, .kind = COTERIE_KIND_SERVICE, .version = "1.0", …, .ops = &ops);`
 */
#ifdef __cplusplus
/*
 * C++ wants designators in the order of the members. They are an extension before C++20. So .kind comes first here, too.
 * Members that are left out, such as those of a later minor number, are 0 without a warning.
 */
#define COTERIE_PLUGIN(id, first, ...) \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") extern "C" \
	{ \
		extern const struct coterie_plugin id##_LTX_coterie_plugin __attribute__((visibility("default"))); \
		__extension__ const struct coterie_plugin id##_LTX_coterie_plugin = {.magic = COTERIE_PLUGIN_MAGIC, \
			.abi_major = COTERIE_ABI_MAJOR, \
			.abi_minor = COTERIE_ABI_MINOR, \
			.size = sizeof(struct coterie_plugin), \
			first, \
			.name = #id, \
			__VA_ARGS__}; \
	} \
	_Pragma("GCC diagnostic pop") static_assert(true, "the semicolon behind the macro")
#else
#define COTERIE_PLUGIN(id, ...) \
	extern const struct coterie_plugin id##_LTX_coterie_plugin; \
	__attribute__((visibility("default"))) \
	const struct coterie_plugin id##_LTX_coterie_plugin = {.magic = COTERIE_PLUGIN_MAGIC, \
		.abi_major = COTERIE_ABI_MAJOR, \
		.abi_minor = COTERIE_ABI_MINOR, \
		.size = sizeof(struct coterie_plugin), \
		.name = #id, \
		__VA_ARGS__}
#endif

static_assert(sizeof(void *) != 8 || offsetof(struct coterie_plugin, check) == 80, "descriptor ABI 1.0");
static_assert(sizeof(void *) != 8 || offsetof(struct coterie_option, legacy) == 56, "option ABI 1.0");
static_assert(offsetof(struct coterie_plugin, kind) == 12, "the first 16 bytes never change");

#include <coterie/host.h>

#endif
