/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts that `coterie-ctl doctor` judges. Collectors fill them in, and judges read them. So a test can call a judge
 * with any facts. A fact that was not found is DOCTOR_UNKNOWN, NULL or false.
 */
#ifndef TOOLS_CTL_DOCTOR_FACTS_H
#define TOOLS_CTL_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_UNKNOWN INT64_C(-1)
#define DOCTOR_LINKS_MAX 8
#define DOCTOR_ADDRESS_SIZE 64

/* --- keys --- */

struct doctor_key {
	char *name, *value; /* the value is text, whatever its type in the map */
};

/** Keys of one map. A zeroed struct has no keys. */
struct doctor_keys {
	struct doctor_key *list; /* in the order in which they were added */
	size_t count, room;
};

/** Add a key. Both texts are copied. @return 0; -ENOMEM */
int doctor_keys_add(struct doctor_keys *keys, const char *name, const char *value);
void doctor_keys_fini(struct doctor_keys *keys);
/** Return the value of a key, borrowed. NULL: no such key. */
const char *doctor_text(const struct doctor_keys *keys, const char *name);
/** Return the value of a key as a number. `otherwise`: there is no such key, or it is no number. */
int64_t doctor_number(const struct doctor_keys *keys, const char *name, int64_t otherwise);
/** Return whether the value is yes, on or a number other than 0. `otherwise`: there is no such key. */
bool doctor_is_on(const struct doctor_keys *keys, const char *name, bool otherwise);

/* --- the host --- */

/** State of this host and of the daemon on it. Sizes are in bytes. */
struct doctor_host {
	bool is_root;                               /* the doctor runs as root, so it can read everything */
	int64_t pid;                                /* process id of the daemon */
	int64_t policy;                             /* scheduling policy SCHED_* of the daemon */
	int64_t rt_runtime_us, rt_period_us;        /* the kernel's limit for real-time processes. runtime -1: no
						     * limit */
	int64_t locked;                             /* bytes of memory that the daemon has locked */
	int64_t fds_open, fds_max;                  /* open descriptors of the daemon, and their limit */
	int64_t receive_buffer;                     /* size of the ring's socket buffer */
	int64_t drops;                              /* datagrams that the ring's sockets dropped within the window */
	int64_t datagrams_in;                       /* UDP datagrams that all sockets received within the window */
	int64_t rmem_max;                           /* the setting net.core.rmem_max */
	const char *state_dir;                      /* borrowed; NULL: not known */
	int state_errno;                            /* errno of reading the folder, or 0 */
	bool is_state_read_only, is_state_writable; /* whether the file system is read-only, and whether the daemon's
						     * user may write */
	int64_t state_free, state_files_free;
	int64_t shm_free;           /* free bytes of /dev/shm */
	int64_t key_mode, key_size; /* mode and size of the key file */
	const char *key_file;       /* borrowed; NULL: not known */
	int key_errno;
	/* Within the window: */
	int64_t wait_ms;       /* milliseconds in which the daemon was ready and did not run */
	int64_t throttled_ms;  /* milliseconds since the daemon's start in which its control group was over its quota */
	int64_t steal_percent; /* percent of the time in which the hypervisor ran other machines */
	int64_t cpu_pressure;  /* percent of the last 10 s in which a task waited for a processor */
	int64_t faults;        /* pages since the daemon's start that it had to read back from disk */
	/* Other daemons on this host: */
	int64_t corosync_pid;
	bool is_corosync_enabled, is_coterie_enabled; /* systemd starts their units at boot */
	int64_t other_pid;                            /* a second Coterie daemon with the same file and node */
	/* Versions of the libraries that the daemon has loaded, as the package manager names them. NULL: not known. */
	const char *knet_version, *qb_version; /* borrowed */
	bool is_knet_mended;                   /* the package's changelog names the corrected vulnerabilities */
	bool is_qb_mended;
};

/** Set all members to unknown. */
void doctor_host_init(struct doctor_host *host);

/* --- interfaces --- */

struct doctor_link {
	uint32_t number;
	char address[DOCTOR_ADDRESS_SIZE]; /* address of this node on the link; "": unknown */
	char interface[32];                /* name of the interface with the address; "": none */
	bool is_up, has_carrier;
	int64_t mtu;
	int64_t speed_mbit;              /* DOCTOR_UNKNOWN: the driver does not report it */
	int64_t rx_bytes, tx_bytes;      /* bytes within the window */
	int64_t duplicate_macs;          /* number of other hosts that answer ARP requests for the address */
	char other_mac[20];              /* MAC address of one of these hosts */
	bool is_port_taken;              /* another process has the port, while this node's daemon does not run */
	char group[DOCTOR_ADDRESS_SIZE]; /* multicast group of the ring; "": no multicast */
	char foreign_group[DOCTOR_ADDRESS_SIZE]; /* other group to which a configured node sends to the ring's port */
	uint32_t foreign_node;
	char unlisted[DOCTOR_ADDRESS_SIZE]; /* sender to the ring's port that is in no node list; "": none */
};

/* --- paths --- */

enum doctor_answer {
	DOCTOR_UNTRIED,
	DOCTOR_ANSWERS,  /* ICMP: replies; TCP: connected */
	DOCTOR_REFUSES,  /* TCP: reset; UDP: port unreachable */
	DOCTOR_FORBIDS,  /* ICMP error of a firewall, or of this host's own firewall */
	DOCTOR_NO_ROUTE, /* ICMP error, or no neighbour answered */
	DOCTOR_SILENT,
};

/** The path from this node to one address of another node. */
struct doctor_path {
	uint32_t nodeid, link;
	char name[64];
	char address[DOCTOR_ADDRESS_SIZE];
	bool is_loopback;
	enum doctor_answer icmp, tcp, udp; /* udp: from ICMP errors about packets of the daemon */
	/* Echo requests: */
	uint32_t sent, received;
	int64_t rtt_p50_us, rtt_p99_us, rtt_max_us;
	/* Path MTU, as sizes of whole IP packets: */
	int64_t mtu_wanted;   /* largest packet that the ring sends */
	int64_t mtu_passed;   /* largest packet with "do not fragment" whose answer was received */
	int64_t mtu_failed;   /* smallest packet whose answer was not received */
	int64_t mtu_reported; /* MTU that a router reported */
	int64_t mtu_back;     /* size of the fragments of an answer, if an answer was fragmented */
	int64_t clock_ms;     /* clock of the peer minus clock of this node. Valid with has_clock */
	bool has_clock;
	/* Packets that passed the interface within the window: */
	bool has_tap;
	uint64_t packets_in, packets_out; /* UDP packets to the port of the ring */
	int64_t duplicate_macs;           /* number of hosts that answer for the address, if there are several */
	char macs[2][20];                 /* MAC addresses of two of these hosts */
	/* Reported by the daemon: */
	int64_t heard_ms; /* milliseconds since the last packet from this node */
};

/* --- nodes --- */

/** A node of the node list. */
struct doctor_member {
	uint32_t id;
	char name[64];
	bool is_local;
	bool is_joined;  /* in the ring of this node at the end of the window */
	bool was_joined; /* in the ring of this node at the beginning of the window */
	int64_t votes;
	char addresses[DOCTOR_LINKS_MAX][DOCTOR_ADDRESS_SIZE]; /* addresses or names as configured; "": none */
	char resolved[DOCTOR_LINKS_MAX][DOCTOR_ADDRESS_SIZE];  /* numeric addresses; "": unknown */
	int64_t resolve_ms[DOCTOR_LINKS_MAX];
	bool is_not_looked_up[DOCTOR_LINKS_MAX]; /* the name was not resolved, since the names before it had taken
						  * too long */
};

/** Answers of another node about itself. */
struct doctor_node {
	uint32_t id;
	bool is_asked; /* the node was queried and has answered */
	char why[160]; /* why the node has not answered */
	struct doctor_keys config, stats;
};

enum doctor_mode {
	DOCTOR_OF_DAEMON, /* the daemon runs */
	DOCTOR_OF_HOST,   /* the daemon does not run, so its file is judged */
	DOCTOR_OF_FILE,   /* a file is judged before the first start of the daemon, so it is no finding that the
			   * daemon does not run */
};

struct doctor_facts {
	enum doctor_mode mode;
	bool is_running;   /* the daemon of this instance runs. Set in all modes */
	char problem[512]; /* why the daemon does not answer */
	double window_s;
	uint32_t self;                          /* node id of this node; 0: not known */
	struct doctor_keys config;              /* keys of the daemon, or of the file */
	struct doctor_keys stats, stats_before; /* keys at the end and at the beginning of the window */
	char *file_name;                        /* malloc'd; NULL: not known */
	bool is_file_read;
	struct doctor_keys file; /* keys that the file makes */
	char file_problem[512];  /* why the file is rejected; or "" */
	struct doctor_host host;
	struct doctor_link links[DOCTOR_LINKS_MAX];
	uint32_t link_count;
	struct doctor_member *members;
	size_t member_count;
	struct doctor_path *paths;
	size_t path_count;
	struct doctor_node *nodes;
	size_t node_count;
	char why_no_network[160]; /* why paths were not probed; or "" */
	char why_no_tap[160];     /* why interfaces were not watched; or "" */
};

/** Set all members to unknown. */
void doctor_facts_init(struct doctor_facts *facts);
void doctor_facts_fini(struct doctor_facts *facts);
/**
 * Make the list of members from facts->config and facts->stats. A member is joined if its key runtime.members.ID.status
 * is "joined".
 * @return 0; -ENOMEM
 */
int doctor_facts_members(struct doctor_facts *facts);
/** Return the member with this id. NULL: none. */
struct doctor_member *doctor_member(const struct doctor_facts *facts, uint32_t id);
/** @return "knet", "udpu", "udp" or the name of another transport */
const char *doctor_transport(const struct doctor_facts *facts);
/** @return port of the link with this number, in host byte order */
uint16_t doctor_port(const struct doctor_facts *facts, uint32_t number);
/** Return the difference of a statistic over the window. DOCTOR_UNKNOWN: the statistic is not known, or was cleared. */
int64_t doctor_growth(const struct doctor_facts *facts, const char *key);
/**
 * Return the milliseconds since the node was heard last, from the text of stats.coterie.heard. DOCTOR_UNKNOWN: never,
 * or there is no such text.
 */
int64_t doctor_heard_ms(const struct doctor_keys *stats, uint32_t nodeid);
/** Find the word of a node in a list "ID-word ...". @return false: the node is not in the list */
bool doctor_word_of(const char *list, uint32_t nodeid, char word[16]);

#endif
