/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for plugins without an executive: it records the plugin's calls, and returns what a test chooses. Time is
 * simulated, descriptors are real, and nothing runs unless the test runs it. It needs neither libcheck nor the rest of
 * Coterie.
 */
#ifndef UNIT_MOCK_HOST_H
#define UNIT_MOCK_HOST_H

#include <setjmp.h>
#include <stdbool.h>

#include <coterie/service.h>
#include <coterie/transport.h>

#define MOCK_VOTES 8u

/** A copy of a message that a plugin has passed to the host. */
struct mock_message {
	uint32_t id;                  /* function, event id or response id */
	uint32_t guarantee;           /* guarantee of a ring message: COTERIE_AGREED or COTERIE_SAFE */
	int32_t error;                /* error of a reply */
	uint32_t size;                /* number of bytes of data */
	uint8_t *data;                /* without the header that the executive builds */
	struct sockaddr_storage from; /* sender of a frame */
};

/** Messages in their order. */
struct mock_queue {
	struct mock_message *list;
	uint32_t count, capacity;
};

/** One client of a service. Made with mock_client_create. */
struct coterie_client {
	struct coterie_ctx *host;
	void *data; /* client_size bytes */
	uint32_t pid, uid, gid;
	uint32_t right; /* access right, COTERIE_RIGHT_*; 0: to administer */
	struct mock_queue replies, events;
	bool is_disconnected; /* the service has disconnected the client */
	bool is_held;         /* the client may not begin a message: client_may_send() returns false */
	int event_rc;         /* host->event() returns this if it is not 0 */

	/* Only the mock host uses these. */
	uint64_t number;
	void *data_beside;
	struct coterie_client *next;
};

struct mock_clear;
struct mock_entry;

struct mock_fd {
	int fd;
	uint32_t events;
	void (*run)(void *arg, int fd, uint32_t revents);
	void *arg;
};

/** An option. Its text is allocated again whenever an option changes, since plugins may use it only until then. */
struct mock_value {
	char name[64];
	char *text; /* "": the option is not set */
};

/** The addresses that node_addresses() returns for a node. */
struct mock_peer {
	uint32_t nodeid, link_count;
	struct sockaddr_storage addresses[COTERIE_LINKS_MAX];
};

/** A reload that a plugin has requested. */
struct mock_reload {
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
};

/** A state file. */
struct mock_file {
	char name[41];
	uint32_t size;
	uint8_t bytes[64];
};

#define MOCK_LOG_FORMATS 128u

/** How many lines of one format were logged. */
struct mock_log_limit {
	const char *format; /* NULL: this element and those behind it are free */
	uint64_t window_ns, burst_ns;
	uint32_t count, burst;
};

/** The mock host. A test reads what was recorded, and sets what the plugin gets. */
struct coterie_ctx {
	struct coterie_host table;
	uint64_t now_ns;      /* simulated time, one second at first */
	uint64_t now_step_ns; /* it goes on by this each time that the plugin asks */
	uint32_t nodeid;
	struct coterie_ring_id ring;
	uint32_t members[64];
	uint32_t member_count;
	uint32_t without_service; /* member that does not run the plugin's service; 0: none */
	bool is_quorate;
	int ring_send_rc; /* if not 0, ring_send() returns this and records nothing */

	struct mock_queue sent;   /* messages given to ring_send() */
	struct mock_queue frames; /* frames that were passed to frames_in(). id: number of the call */
	uint32_t batches;
	struct mock_queue logs; /* logged lines. id: priority; data: text with its NUL */
	bool has_log_limit;     /* the plugin is a service: few lines of each format, as in the executive */
	struct mock_log_limit log_limits[MOCK_LOG_FORMATS];
	bool is_loud; /* logs go to stderr too */

	uint32_t link_reports; /* calls of link_state(), and arguments of the last one: */
	uint32_t link, link_is_up;
	char link_text[128];
	uint32_t links_up; /* links that are reported to be up, bits by number */
	uint32_t dead[16]; /* node ids that were reported by peer_dead */
	uint32_t dead_count;
	struct mock_queue refused; /* calls of peer_refused(). id: node id; data: the quote */
	struct mock_queue watches; /* calls of peer_watch(). id: node id; data: the state */
	uint32_t writable_count;

	uint32_t frames_live;         /* frames that were taken and not given back */
	uint32_t frames_taken;        /* frames taken since the start */
	uint32_t frames_sliced;       /* frames among frames_taken that are slices of others */
	uint32_t frames_max;          /* frame_take() fails if there are more frames; 0: no limit */
	uint32_t frame_size_max;      /* frame_take() fails for larger frames; 0: no limit */
	void (*on_frames)(void *arg); /* called by the host inside frames_in; or NULL */
	void *on_frames_arg;

	/*
	 * The last verdict that the plugin or mock_quorum published. members and provider are copies.
	 */
	struct coterie_quorum quorum;
	uint32_t votes_needed, votes[MOCK_VOTES]; /* of the last verdict, of its first members */
	uint32_t verdicts;                        /* number of accepted calls of quorum_publish */
	bool is_beside; /* functions of a service run that does not serve yet: the one that it replaces still does */
	int publish_rc; /* if not 0, quorum_publish() returns this and does nothing */

	struct mock_queue protected_keys; /* calls of map_protect: data is the key with its NUL, id is is_prefix */
	struct mock_queue cleared;        /* calls of stats_clear: data is the name with its NUL */

	bool is_safe_kept;                    /* result of is_safe_kept(), true at first */
	struct coterie_node_status *statuses; /* see mock_node_status */
	uint32_t status_count;
	struct mock_peer *peers; /* see mock_node_addresses */
	uint32_t peer_count;
	int node_status_rc; /* if not 0, node_status() returns this */
	uint32_t stops;     /* calls of stop */
	uint32_t deaths;    /* calls of die(), and arguments of the last one: */
	int32_t exit_status;
	char reason[256];
	jmp_buf *on_die; /* die() jumps there with value 1. NULL: die() returns, which the executive's never does */
	struct mock_reload reloads[8]; /* reloads without an answer so far: see mock_reload_done() */
	uint32_t reload_count;
	struct mock_reload prepares[8];         /* first steps without an answer so far: see mock_prepare_done() */
	uint32_t prepare_count, commits, drops; /* first steps that wait for an answer, and successful second steps */
	uint32_t reload_flags;                  /* flags of the last reload_with() */
	int prepare_rc, commit_rc;              /* if not 0, the first or second step fails with this */
	void (*on_commit)(struct coterie_ctx *host); /* called inside a second step; or NULL */
	bool is_kept;                                /* a prepared file or key waits for its second step */
	uint8_t next_key[4096]; /* key of the last key_prepare(), which mock_prepare_done() answers as well */
	uint32_t next_key_size; /* 0: the last first step was of a reload */
	uint32_t key_commits, key_drops, key_leaves;
	/* If not 0, key_commit() fails with this. -EIO: the key is loaded nevertheless. */
	int key_commit_rc;
	bool is_key_ignored; /* the transport does not load a key that is committed */
	/* Set by the test while a message is delivered: second steps return -EBUSY then. */
	bool is_delivering;
	int reload_rc;    /* if not 0, reload() returns this and keeps nothing */
	uint32_t reopens; /* calls of log_reopen */
	int reopen_rc;    /* result of log_reopen */

	struct mock_file files[4]; /* state files. An unused one has no name */
	int state_file_rc;         /* if not 0, reading and writing a state file return this */
	uint32_t file_writes;      /* calls of state_file_write */
	uint32_t file_stores;      /* calls of state_file_store */
	/* The file of state_file_store that mock_host_advance() writes. At most one waits. Without a name: none */
	struct mock_file store;
	void (*store_done)(void *arg, int rc);
	void *store_arg;

	uint32_t rekeys[16]; /* phases of successful calls of rekey, oldest first */
	uint32_t rekey_count;
	int rekey_rc; /* if not 0, rekey() returns this and keeps nothing */

	/* Only the mock host uses these. */
	struct coterie_client *clients;
	uint64_t client_number;
	struct mock_value *options;
	uint32_t option_count;
	struct mock_entry *maps[2]; /* entries of each map, in ascending order of their keys */
	struct mock_entry
		*waiting_stats; /* those that a service offers while it does not serve yet, in the same order */
	struct coterie_map_tracker *trackers;
	struct mock_clear *clears;
	uint32_t iterators;
	uint32_t depth; /* depth of nested notifications */
	uint64_t tracker_turn;
	uint64_t stat_value[32];
	void (*quorum_run)(void *arg, const struct coterie_quorum *quorum);
	void *quorum_arg;
	uint8_t *key; /* NULL: no encryption; see mock_key */
	uint32_t key_size;
	void (*rekey_run)(void *arg);
	void *rekey_arg;
	uint32_t next_phase; /* phase that rekey accepts next; 0: none */
	struct mock_fd fds[32];
	uint32_t fd_count;
	struct coterie_timer *timers;
	struct coterie_timer *posts;
};

/**
 * Create a host. plugin: descriptor whose options get their default values; borrowed; NULL: no options. Ends the
 * process when out of memory. @return host, which the caller frees with mock_host_destroy()
 */
struct coterie_ctx *mock_host_create(const struct coterie_plugin *plugin);

/**
 * Destroy the host. @return number of timers, descriptors, posts, frames, trackers and iterators that the plugin still
 * held: its leaks
 */
uint32_t mock_host_destroy(struct coterie_ctx *host);

/** Set an option as if it were in the file. A name that is not known is added. */
void mock_host_option(struct coterie_ctx *host, const char *name, const char *text);

/** Let time pass. Posts run first, then timers in their order, each at its own time. */
void mock_host_advance(struct coterie_ctx *host, uint64_t ns);

/** Run posts, then wait for descriptors and handle them once. @return number of descriptors handled */
uint32_t mock_host_poll(struct coterie_ctx *host, int timeout_ms);

/**
 * Look at the tracked keys of the statistics, as the executive does every 1.5 s. Tests set keys of the configuration
 * map as a plugin does, with host->table.map_set() and so on, and those of the statistics with table.stat_add().
 */
void mock_stats_refresh(struct coterie_ctx *host);

/**
 * Return a value of the configuration map as a number. Ends the process if there is none, or if it is
 * not an integer.
 */
uint64_t mock_map_u64(struct coterie_ctx *host, const char *key);
/** Return a string of the configuration map, or NULL. Borrowed until the key changes. */
const char *mock_map_string(struct coterie_ctx *host, const char *key);

/** Publish a verdict of a provider, and call the plugin's watcher. provider NULL: none is configured. */
void mock_quorum(struct coterie_ctx *host, bool is_quorate, const struct coterie_ring_id *ring, const uint32_t *members,
	uint32_t count, const char *provider);

/** Set the result of node_status for a node. */
void mock_node_status(struct coterie_ctx *host, const struct coterie_node_status *status);
/** Set the result of node_addresses for a node: numeric IPv4 or IPv6 addresses. */
void mock_node_addresses(struct coterie_ctx *host, uint32_t nodeid, const char *const *addresses, uint32_t count);
/** Answer the oldest waiting reload, which must exist. */
void mock_reload_done(struct coterie_ctx *host, int rc, const char *text);
/**
 * Answer the oldest first step of a reload in two steps, which must exist. rc 0: the file is kept for the second step.
 */
void mock_prepare_done(struct coterie_ctx *host, int rc, const char *text);

/** Set the ring's key to a copy of bytes; NULL: no encryption. The key that key_get() returned before is freed. */
void mock_key(struct coterie_ctx *host, const void *bytes, uint32_t size);
/** Act as a transport that has loaded new keys: call the plugin's watcher, and accept calls of rekey. */
void mock_rekey(struct coterie_ctx *host);

/** Return the number of timers that are set. */
uint32_t mock_host_timers(const struct coterie_ctx *host);

/** Return whether a line that contains these words was logged. */
bool mock_host_has_logged(const struct coterie_ctx *host, const char *words);

/** Take a frame with these bytes, as the executive does. The caller gives it back with frame_unref(). */
struct coterie_frame *mock_frame(struct coterie_ctx *host, const void *data, uint32_t size);

/** Empty a queue. */
void mock_queue_clear(struct mock_queue *queue);

/** Add a message, whose data is collected from iov. */
struct mock_message *mock_queue_add(struct mock_queue *queue, uint32_t id, const struct iovec *iov, uint32_t count);

/**
 * Replace the instance of the service in *self by a new one, while its clients stay.
 *
 * @param self         in and out
 * @param is_thorough  first check that a state that is cut off at any length is refused
 * @return 0; the error of state_save(); -EPROTO: a state that is cut off was not refused; -EILSEQ: the new
 *     instance saves a state of another size than it has loaded; otherwise the error of state_load()
 */
int mock_replace(struct coterie_ctx *host, const struct coterie_service *ops, void **self, bool is_thorough);
/** Create a client. @return client, which the caller frees with mock_client_destroy() */
struct coterie_client *mock_client_create(struct coterie_ctx *host, uint32_t size, uint32_t pid);
void mock_client_destroy(struct coterie_client *client);

/**
 * Pass a request through a service's table as the executive does. Size and id are checked, the handler gets a copy of
 * exactly these bytes, and its result becomes a reply.
 *
 * @return the handler's result; -EINVAL: the table refuses the request, and no handler is called
 */
int mock_request(
	struct coterie_client *client, const struct coterie_service *ops, void *self, const void *msg, uint32_t size);

/**
 * Pass a ring message through a service's table as the executive does.
 *
 * @param swap     the bytes come from a node of the other byte order
 * @param message  as ring_send() has recorded it, without the header of 16 bytes
 * @return 0; -EINVAL: no such function, or the message is too short
 */
int mock_deliver(
	const struct coterie_service *ops, void *self, uint32_t nodeid, bool swap, const struct mock_message *message);

#endif
