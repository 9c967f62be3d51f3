/*
 * The plugin ABI: what every plugin says of itself and what the executive gives it. Together with
 * service.h or transport.h this is all a plugin author needs; no other header of Coterie is to be
 * included.
 *
 * History
 *   1.0  first version
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
 * installed file by renaming (`install`, `mv`), never by writing over it.
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
#define COTERIE_ABI_MINOR 0
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

/** What a plugin can do beyond its table (`offers`). */
#define COTERIE_CAN_RELOAD (UINT64_C(1) << 0)
#define COTERIE_CAN_UNPRIVILEGED (UINT64_C(1) << 1)
#define COTERIE_CAN_HAND_OVER (UINT64_C(1) << 2) /* state_save and state_load */

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
struct coterie_ctx;    /* one loaded plugin, as the executive knows it */
struct coterie_client; /* one IPC connection to a service */
struct coterie_timer;  /* one running timer */

/** Identity of a ring. Two are equal only if both parts are. */
struct coterie_ring_id {
	uint32_t representative; /* lowest node id of the ring */
	uint32_t pad;
	uint64_t seq;
};

/** Delivery guarantees of ring_send. */
#define COTERIE_AGREED 0u /* same order everywhere */
#define COTERIE_SAFE 1u   /* and delivered only when every member has it; agreed where a member cannot */

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
	/** The transport has a sign that the daemon on nodeid is gone (ICMP, closed connection). A hint. */
	void (*peer_dead)(struct coterie_ctx *ctx, uint32_t nodeid);
	/** The transport takes frames again after it accepted fewer than offered. */
	void (*writable)(struct coterie_ctx *ctx);
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
