/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for plugins without an executive: it records what a plugin does, and does what a test
 * says. Time is virtual, descriptors are real, nothing runs unless the test asks for it. It needs
 * neither libcheck nor the rest of Coterie.
 */
#ifndef UNIT_MOCK_HOST_H
#define UNIT_MOCK_HOST_H

#include <setjmp.h>
#include <stdbool.h>

#include <coterie/service.h>
#include <coterie/transport.h>

/** A message that a plugin passed to the host, copied. */
struct mock_message {
	uint32_t id;                  /* function, event id or response id */
	uint32_t guarantee;           /* of ring messages */
	int32_t error;                /* of replies */
	uint32_t size;                /* of data */
	uint8_t *data;                /* without the header that the executive builds */
	struct sockaddr_storage from; /* of frames */
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
	uint32_t right; /* COTERIE_RIGHT_*; 0: to administer */
	struct mock_queue replies, events;
	bool is_disconnected; /* the service has disconnected the client */
	bool is_held;         /* result of client_may_send: the client may begin no message */
	int event_rc;         /* result of host->event if it is not 0 */

	/* Not for tests. */
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

/**
 * An option. Its text is allocated again whenever an option changes, since plugins may keep it no longer
 * than that.
 */
struct mock_value {
	char name[64];
	char *text; /* may be "": unset */
};

/** One answer of node_addresses. */
struct mock_peer {
	uint32_t nodeid, link_count;
	struct sockaddr_storage addresses[COTERIE_LINKS_MAX];
};

/** A reload that a plugin asked for. */
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

/** The host: read what was recorded, write what the plugin is to see. */
struct coterie_ctx {
	struct coterie_host table;
	uint64_t now_ns; /* starts at a second */
	uint32_t nodeid;
	struct coterie_ring_id ring;
	uint32_t members[64];
	uint32_t member_count;
	uint32_t without_service; /* member that does not run the plugin's service; 0: none */
	bool is_quorate;
	int ring_send_rc; /* when not 0, ring_send returns it and records nothing */

	struct mock_queue sent;   /* by ring_send */
	struct mock_queue frames; /* received by frames_in. id is the number of the batch */
	uint32_t batches;
	struct mock_queue logs; /* id is the priority, data the text with its NUL */
	bool is_loud;           /* logs go to stderr too */

	uint32_t link_reports; /* calls of link_state; the last one: */
	uint32_t link, link_is_up;
	char link_text[128];
	uint32_t links_up; /* by bit, as reported */
	uint32_t dead[16]; /* node ids that were reported by peer_dead */
	uint32_t dead_count;
	struct mock_queue refused; /* reported by peer_refused. id is the node id, data the quote */
	struct mock_queue watches; /* reported by peer_watch. id is the node id, data the state */
	uint32_t writable_count;

	uint32_t frames_live;         /* frames that were taken and not given back */
	uint32_t frames_taken;        /* in all */
	uint32_t frames_sliced;       /* those of them that are slices of others */
	uint32_t frames_max;          /* frame_take fails beyond it; 0: no limit */
	void (*on_frames)(void *arg); /* called by the host inside frames_in; or NULL */
	void *on_frames_arg;

	/*
	 * The last verdict that the plugin or mock_quorum published. members and provider are copies.
	 */
	struct coterie_quorum quorum;
	uint32_t verdicts; /* number of accepted calls of quorum_publish */
	bool is_beside;    /* the plugin's init or fini runs while the service that it replaces still runs */
	int publish_rc;    /* when not 0, quorum_publish returns it and does nothing */

	struct mock_queue protected_keys; /* calls of map_protect: data is the key with its NUL, id is is_prefix */
	struct mock_queue cleared;        /* calls of stats_clear: data is the name with its NUL */

	bool is_safe_kept;                    /* true at first */
	struct coterie_node_status *statuses; /* see mock_node_status */
	uint32_t status_count;
	struct mock_peer *peers; /* see mock_node_addresses */
	uint32_t peer_count;
	int node_status_rc; /* when not 0, node_status returns it */
	uint32_t stops;     /* calls of stop */
	uint32_t deaths;    /* calls of die; the last one: */
	int32_t exit_status;
	char reason[256];
	jmp_buf *on_die;               /* target of die (with value 1), or NULL: it returns, which a real one never
			  * does */
	struct mock_reload reloads[8]; /* reloads that were not answered yet: see mock_reload_done */
	uint32_t reload_count;
	struct mock_reload prepares[8];         /* first steps that were not answered yet: see mock_prepare_done */
	uint32_t prepare_count, commits, drops; /* first steps that wait for an answer, and successful second steps */
	uint32_t reload_flags;                  /* of the last reload_with */
	int prepare_rc, commit_rc;              /* when not 0, the first or second step fails with it */
	void (*on_commit)(struct coterie_ctx *host); /* called inside a second step; or NULL */
	bool is_kept;                                /* a prepared file or key waits for its second step */
	uint8_t next_key[4096]; /* the key of key_prepare, which mock_prepare_done answers as well */
	uint32_t next_key_size; /* 0: the last first step was of a reload */
	uint32_t key_commits, key_drops, key_leaves;
	/* when not 0, key_commit fails with it. -EIO: the key is loaded all the same */
	int key_commit_rc;
	bool is_key_ignored; /* the transport does not load a key that is committed */
	/* set by the test: a message is being delivered, so second steps return -EBUSY */
	bool is_delivering;
	int reload_rc;    /* when not 0, reload returns it and keeps nothing */
	uint32_t reopens; /* calls of log_reopen */
	int reopen_rc;    /* their result */

	struct mock_file files[4]; /* state files. An unused one has no name */
	int state_file_rc;         /* when not 0, reading and writing return it */

	uint32_t rekeys[16]; /* phases of successful calls of rekey, oldest first */
	uint32_t rekey_count;
	int rekey_rc; /* when not 0, rekey returns it and keeps nothing */

	/* Not for tests. */
	struct coterie_client *clients;
	uint64_t client_number;
	struct mock_value *options;
	uint32_t option_count;
	struct mock_entry *maps[2]; /* ascending */
	struct coterie_map_tracker *trackers;
	struct mock_clear *clears;
	uint32_t iterators;
	uint32_t depth; /* of notifications */
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
 * @param plugin  descriptor whose options get their initial values; borrowed; NULL: no options
 * @return returned, caller frees with mock_host_destroy; ends the process when out of memory
 */
struct coterie_ctx *mock_host_create(const struct coterie_plugin *plugin);

/**
 * @return number of timers, descriptors, posts, frames, trackers and iterators that the plugin still held:
 *     its leaks
 */
uint32_t mock_host_destroy(struct coterie_ctx *host);

/** Give an option the value it would have in the file. Unknown names are added. */
void mock_host_option(struct coterie_ctx *host, const char *name, const char *text);

/** Let time pass. Posts run first, then timers in their order, each at its own time. */
void mock_host_advance(struct coterie_ctx *host, uint64_t ns);

/** Run posts, then wait for descriptors and serve them once. @return number served */
uint32_t mock_host_poll(struct coterie_ctx *host, int timeout_ms);

/**
 * Keys of the configuration map: through host->table.map_set and so on, as a plugin does. Statistics:
 * table.stat_add. This looks at the tracked keys of the statistics, as the executive does every 1.5 s.
 */
void mock_stats_refresh(struct coterie_ctx *host);

/**
 * Return a value of the configuration map as a number. Ends the process if there is none, or if it is
 * not an integer.
 */
uint64_t mock_map_u64(struct coterie_ctx *host, const char *key);
/** Return a string of the configuration map, or NULL. Borrowed until the key changes. */
const char *mock_map_string(struct coterie_ctx *host, const char *key);

/** Publish a verdict of a provider (NULL: none is configured), and call the plugin's watcher. */
void mock_quorum(struct coterie_ctx *host, bool is_quorate, const struct coterie_ring_id *ring, const uint32_t *members,
	uint32_t count, const char *provider);

/** Set the result of node_status for a node. */
void mock_node_status(struct coterie_ctx *host, const struct coterie_node_status *status);
/** Set the result of node_addresses for a node: numeric IPv4 or IPv6 addresses. */
void mock_node_addresses(struct coterie_ctx *host, uint32_t nodeid, const char *const *addresses, uint32_t count);
/** Answer the oldest waiting reload, which must exist. */
void mock_reload_done(struct coterie_ctx *host, int rc, const char *text);
/** The same for the first step of a reload in two steps. With 0 the file is kept. */
void mock_prepare_done(struct coterie_ctx *host, int rc, const char *text);

/** Set the ring's key, copied; NULL: no encryption. The key that key_get returned before is freed. */
void mock_key(struct coterie_ctx *host, const void *bytes, uint32_t size);
/** Act as a transport that has loaded new keys: call the plugin's watcher, and accept calls of rekey. */
void mock_rekey(struct coterie_ctx *host);

/** Number of timers that are set. */
uint32_t mock_host_timers(const struct coterie_ctx *host);

/** Return whether a line with these words was logged. */
bool mock_host_has_logged(const struct coterie_ctx *host, const char *words);

/** Take a frame as the executive would, filled with these bytes. Give it back with frame_unref. */
struct coterie_frame *mock_frame(struct coterie_ctx *host, const void *data, uint32_t size);

/** Forget all messages of a queue. */
void mock_queue_clear(struct mock_queue *queue);

/** Add one message. The data is gathered from iov. */
struct mock_message *mock_queue_add(struct mock_queue *queue, uint32_t id, const struct iovec *iov, uint32_t count);

/** @return returned, caller frees with mock_client_destroy */
/**
 * Replace the instance of the service in *self by a new one, while its clients stay.
 *
 * @param self         in and out
 * @param is_thorough  first check that a state cut off at any length is refused
 * @return 0; the error of state_save; -EPROTO: a state that is cut off was not refused; -EILSEQ: the new instance saves
 *     a state of another size than the one it has loaded; otherwise the error of state_load
 */
int mock_replace(struct coterie_ctx *host, const struct coterie_service *ops, void **self, bool is_thorough);
struct coterie_client *mock_client_create(struct coterie_ctx *host, uint32_t size, uint32_t pid);
void mock_client_destroy(struct coterie_client *client);

/**
 * Pass a request through a service's table as the executive does. Size and id are checked, the
 * handler runs on a copy of exactly these bytes, and its result becomes a reply.
 *
 * @return the handler's result; -EINVAL without a call if the table refuses
 */
int mock_request(
	struct coterie_client *client, const struct coterie_service *ops, void *self, const void *msg, uint32_t size);

/**
 * Pass a ring message through a service's table as the executive does.
 *
 * @param swap     the bytes come from a node of the other order
 * @param message  as recorded by ring_send: without the 16-byte header
 * @return 0; -EINVAL: no such function or too short
 */
int mock_deliver(
	const struct coterie_service *ops, void *self, uint32_t nodeid, bool swap, const struct mock_message *message);

#endif
