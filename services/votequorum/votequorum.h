/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the votequorum service.
 *
 * A verdict (quorate or not) is made in these steps:
 * 1. After a configuration of the ring, the votes of nodes that have left no longer count.
 * 2. In its part of the synchronisation every node sends NODEINFO about itself and its quorum device.
 * 3. After all these messages are delivered, votes are counted. The verdict is sent to the executive and to the clients
 *    that track.
 *
 * Between configurations a verdict changes when votes, expected votes or a device's vote change.
 */
#ifndef VOTEQUORUM_VOTEQUORUM_H
#define VOTEQUORUM_VOTEQUORUM_H

#include <coterie/service.h>

#include "services/votequorum/calc.h"
#include "services/votequorum/config.h"

/** One client. The executive owns the memory (client_data). */
struct votequorum_connection {
	struct coterie_client *client;
	struct votequorum_connection *next, *previous; /* all connections, newest first */
	bool is_tracking;
	bool takes_extra; /* the client's library accepts VOTEQUORUM_EVENT_EXTRA */
	uint64_t context; /* the client's value that is repeated in its events */
};

/** Bits for messages that wait for room on the ring. They are sent in the order of the bits. */
#define VOTEQUORUM_OWES_SELF 1u        /* NODEINFO about this node */
#define VOTEQUORUM_OWES_DEVICE 2u      /* NODEINFO about this node's device (node id 0) */
#define VOTEQUORUM_OWES_VOTES 4u       /* RECONFIGURE: this node's votes */
#define VOTEQUORUM_OWES_EXPECTED 8u    /* RECONFIGURE: this node's expected votes */
#define VOTEQUORUM_OWES_CANCEL 16u     /* RECONFIGURE: do not wait for all nodes any more */
#define VOTEQUORUM_OWES_UNREGISTER 32u /* QDEVICE_REG: remove the name in `unregistered` */
#define VOTEQUORUM_OWES_NAME 64u       /* QDEVICE_REG: register the known name again */
#define VOTEQUORUM_OWES_EXTRA 128u     /* EXTRA: information of this node's device, empty if there is none */
#define VOTEQUORUM_OWES_LAST VOTEQUORUM_OWES_EXTRA

/** A registration that a client waits for. */
enum votequorum_pending {
	VOTEQUORUM_PENDING_NONE,
	VOTEQUORUM_PENDING_CLIENT,    /* the client is answered when the message is delivered */
	VOTEQUORUM_PENDING_ABANDONED, /* the client has disconnected. When the message is delivered, the device is
				       * unregistered again */
};

/** The quorum device of this node, as its program reports it. */
struct votequorum_device {
	char name[VOTEQUORUM_NAME_SIZE]; /* name of the device, the same on all nodes; "": none known */
	enum votequorum_pending pending;
	char pending_name[VOTEQUORUM_NAME_SIZE];
	struct coterie_client *pending_client;
	char unregistered[VOTEQUORUM_NAME_SIZE];
	struct coterie_timer *timer; /* expires if the device does not report in time */
	bool is_awaited;             /* the synchronisation waits for the device's vote */
	bool has_master_wins;        /* the device has set master wins to on or off, at least once */
};

/** Keys of the map that are written when they change. */
enum votequorum_key {
	VOTEQUORUM_KEY_TWO_NODE,
	VOTEQUORUM_KEY_EV_BARRIER,
	VOTEQUORUM_KEY_TIE_BREAKER,
	VOTEQUORUM_KEY_WAITING,
	VOTEQUORUM_KEY_LOWEST,
	VOTEQUORUM_KEY_HIGHEST,
	VOTEQUORUM_KEY_TRACKING,
	VOTEQUORUM_KEY_DEVICE_USABLE,
	VOTEQUORUM_KEY_MASTER_WINS,
	VOTEQUORUM_KEYS, /* number of the keys above */
};

/** Kinds of news for clients, the executive and the log, whose rate is limited (news.c). */
enum votequorum_news {
	VOTEQUORUM_NEWS_VERDICT,
	VOTEQUORUM_NEWS_VOTES, /* of the lease */
	VOTEQUORUM_NEWS_EXPECTED,
	VOTEQUORUM_NEWS_WAITING,   /* the log line about wait_for_all */
	VOTEQUORUM_NEWS_CANCELLED, /* the log line about its end */
	VOTEQUORUM_NEWS_KEYS,      /* each key of runtime.votequorum */
	VOTEQUORUM_NEWS,           /* number of the kinds above */
};

struct votequorum {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct vote_calc calc;
	struct votequorum_config config;
	struct votequorum_device device;
	struct votequorum_connection *connections;
	struct votequorum_extra *extras; /* one element per node with extra information, in no order */
	struct coterie_ring_id ring;     /* ring of the last configuration */
	bool is_syncing;
	bool is_aborted;   /* the synchronisation was aborted, and the next one has not begun */
	bool is_stepping;  /* sync_step runs */
	bool has_queued;   /* this node's messages of the present synchronisation are queued */
	bool has_reread;   /* keys were read again. From then on the tie-breaker is always published */
	bool is_resetting; /* the service itself writes quorum.cancel_wait_for_all */
	bool told_quorate; /* the verdict that was published last */
	uint32_t owed;     /* VOTEQUORUM_OWES_… bits of messages that wait for room */
	struct coterie_timer *retry;
	struct coterie_timer *window; /* runs while last man standing waits */
	struct coterie_timer *store;  /* runs while the state file has an older barrier than calc */
	struct coterie_map_tracker *trackers[3];
	struct votequorum_statistic *statistics; /* keys in the statistics map, ascending by node id and figure */
	uint64_t offered_changes; /* calc.node_changes when the keys were added to the map. 0: add keys again */
	bool lacks_statistics;    /* a key could not be added. That is tried again in the next ring */
	int64_t published[VOTEQUORUM_KEYS]; /* values in the map, or -1 for a key that does not exist */
	uint32_t stored_barrier;            /* value in the state file */
	bool is_storing;                    /* a thread of the executive writes storing_barrier to the state file */
	uint32_t storing_barrier;
	struct {
		uint64_t start_ns; /* of the present window */
		uint32_t count;    /* told in it */
	} news[VOTEQUORUM_NEWS];
	struct coterie_timer *news_timer; /* runs while something waits */
	bool has_late_expected, has_late_waiting;
	bool needs_all; /* the lease needs all members, until the votes that wait are published */
	uint32_t late_expected;
	uint64_t next_store_complaint_ns; /* a failure to store the barrier is not logged before this time */
};

/* --- votequorum.c --- */

/** Act on the result of a calculation: bits are its VOTE_… bits. */
void votequorum_settle(struct votequorum *vq, uint32_t bits);
/** Send the current verdict to the executive and the clients. */
void votequorum_publish(struct votequorum *vq);
/**
 * Return whether a client that asks is told that this node has quorum. During a synchronisation the verdict is that of
 * the last ring. So the votes of the present members must reach the quorum, too. The device's vote counts when the
 * device has voted in the new ring.
 */
bool votequorum_shows_quorum(const struct votequorum *vq);
/** Write changed values to the map. */
void votequorum_publish_keys(struct votequorum *vq);

/* --- news.c: what is told at a limited rate --- */

/** Return whether news may be told now. false: the timer calls votequorum_news_flush. */
bool votequorum_news_may_go(struct votequorum *vq, enum votequorum_news kind);
/** Tell clients of expected votes, now or later. */
void votequorum_news_expected(struct votequorum *vq, uint32_t expected);
/** Tell clients of expected votes that wait, before something that clients must see after them. */
void votequorum_news_tell_expected(struct votequorum *vq);
/** Log that this node waits for all nodes, now or later. */
void votequorum_news_waiting(struct votequorum *vq);
/** Tell all that waits. During a synchronisation the verdict waits on. */
void votequorum_news_flush(struct votequorum *vq);

/* --- tell.c: events to clients --- */

/** Send the verdict to a client. connection NULL: to all clients that track. */
void votequorum_tell_quorum(struct votequorum *vq, struct votequorum_connection *connection);
void votequorum_tell_nodelist(struct votequorum *vq, struct votequorum_connection *connection);
void votequorum_tell_expected(struct votequorum *vq, uint32_t expected);
/** Send extra information to all clients that track and whose library accepts the event. */
void votequorum_tell_extra(struct votequorum *vq, uint32_t nodeid, const uint8_t *bytes, uint32_t size);

/* --- ring.c --- */

/** Send these messages (VOTEQUORUM_OWES_…) now, or as soon as the ring has room. */
void votequorum_send(struct votequorum *vq, uint32_t messages);
/**
 * In the next turn of the loop send the waiting messages and publish the verdict, unless a synchronisation runs then.
 */
void votequorum_send_later(struct votequorum *vq);
/** Send a RECONFIGURE or QDEVICE message. @return 0; -EAGAIN: the ring has no room */
int votequorum_send_reconfigure(
	struct votequorum *vq, uint32_t nodeid, uint32_t value, enum votequorum_ring_param param);
int votequorum_send_rename(struct votequorum *vq, const char *old_name, const char *new_name);
int votequorum_send_registration(struct votequorum *vq, uint32_t operation, const char *name);

/** Send the extra information of this node's device. @return 0; -EAGAIN */
int votequorum_send_extra(struct votequorum *vq, const uint8_t *bytes, uint32_t size);

#define VOTEQUORUM_RING_MSGS 5
extern const struct coterie_ring_msg votequorum_ring_msgs[VOTEQUORUM_RING_MSGS];

/* --- device.c --- */

bool votequorum_is_registered(const struct votequorum *vq);
/** Start the device's timer at the start of a synchronisation. */
void votequorum_device_sync(struct votequorum *vq);
/** Start the timer for the device's next report. */
void votequorum_device_arm(struct votequorum *vq);
/** Handle the end of a client's connection. The client may be waiting for a registration. */
void votequorum_device_drop(struct votequorum *vq, const struct coterie_client *client);
void votequorum_deliver_qdevice_reg(void *self, uint32_t nodeid, void *msg, uint32_t size);
void votequorum_deliver_qdevice_reconfigure(void *self, uint32_t nodeid, void *msg, uint32_t size);
int votequorum_handle_qdevice_register(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int votequorum_handle_qdevice_unregister(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int votequorum_handle_qdevice_update(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int votequorum_handle_qdevice_poll(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int votequorum_handle_qdevice_master_wins(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- extra.c: extra information of devices --- */

/** Extra information of one node. */
struct votequorum_extra {
	struct votequorum_extra *next;
	uint32_t nodeid;
	uint32_t size; /* 1 .. VOTEQUORUM_EXTRA_MAX */
	uint8_t bytes[];
};

/** Find the information of a node. @return borrowed; NULL: the node has none */
const struct votequorum_extra *votequorum_extra_find(const struct votequorum *vq, uint32_t nodeid);
/**
 * Replace the information of a node. The bytes are copied. size 0: remove the information. @return 0; -ENOMEM: nothing
 * changed
 */
int votequorum_extra_put(struct votequorum *vq, uint32_t nodeid, const uint8_t *bytes, uint32_t size);
/** Remove the extra information of this node's device. */
void votequorum_extra_drop(struct votequorum *vq);
/** Handle NODEINFO of a node: drop its extra information if the node announces none. */
void votequorum_extra_nodeinfo(struct votequorum *vq, uint32_t nodeid, uint32_t flags);
/** Drop the extra information of nodes that are not known any more. */
void votequorum_extra_prune(struct votequorum *vq);
void votequorum_extra_fini(struct votequorum *vq);
void votequorum_deliver_extra(void *self, uint32_t nodeid, void *msg, uint32_t size);
int votequorum_handle_set_extra(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int votequorum_handle_get_extra(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- requests.c --- */

/** Answer with one of the errors that have no errno. @return COTERIE_REPLIED */
int votequorum_answer(struct votequorum *vq, struct coterie_client *client, int32_t error);

/** Return the flags for struct votequorum_info. node_flags: the flags in struct vote_node. */
uint32_t votequorum_info_flags(const struct votequorum *vq, uint32_t node_flags);

#define VOTEQUORUM_REQUESTS 12
extern const struct coterie_request votequorum_requests[VOTEQUORUM_REQUESTS];

/* --- statistics.c --- */

/** If the known nodes have changed, add keys to the statistics map and remove those of nodes that were removed. */
void votequorum_offer_statistics(struct votequorum *vq);
/** Remove all keys from the statistics map. */
void votequorum_statistics_fini(struct votequorum *vq);

/* --- sync.c --- */

void votequorum_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int votequorum_sync_step(void *self);
void votequorum_sync_done(void *self);
void votequorum_sync_abort(void *self);
/** Start the timer of last man standing. If the timer runs, start it again. */
void votequorum_window_open(struct votequorum *vq);
/** Stop the timer of last man standing, if it runs. */
void votequorum_window_close(struct votequorum *vq);

/* --- state.c: a new version takes over --- */

int votequorum_state_save(void *self, void **blob, uint32_t *size);
int votequorum_state_load(void *self, const void *blob, uint32_t size);

#endif
