/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts that `coterie-ctl doctor` judges. Collectors fill them in, and judges read them, so that a test can feed a judge
 * any set of facts. A fact that was not found is DOCTOR_UNKNOWN, NULL or a flag that is false.
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
	char *name, *value; /* value: as text, whatever its type */
};

/** Keys of one map. Zeroed: none. */
struct doctor_keys {
	struct doctor_key *list; /* in the order in which they were added */
	size_t count, room;
};

/** Add one key. Both texts are copied. @return 0; -ENOMEM */
int doctor_keys_add(struct doctor_keys *keys, const char *name, const char *value);
void doctor_keys_fini(struct doctor_keys *keys);
/** @return the value, borrowed; NULL: no such key */
const char *doctor_text(const struct doctor_keys *keys, const char *name);
/** @return the value as a number; otherwise, if there is no such key or it is no number */
int64_t doctor_number(const struct doctor_keys *keys, const char *name, int64_t otherwise);
/** @return whether the value is yes, on or a number other than 0; otherwise, if there is no such key */
bool doctor_is_on(const struct doctor_keys *keys, const char *name, bool otherwise);

/* --- the host --- */

/** How a thing was found on this host. Sizes are bytes. */
struct doctor_host {
	bool is_root;                               /* the doctor may look at everything */
	int64_t pid;                                /* of the daemon */
	int64_t policy;                             /* SCHED_* of the daemon */
	int64_t rt_runtime_us, rt_period_us;        /* the kernel's limit for real time; runtime -1: none */
	int64_t locked;                             /* memory that the daemon has locked */
	int64_t fds_open, fds_max;                  /* descriptors of the daemon */
	int64_t receive_buffer;                     /* of the ring's socket */
	int64_t drops;                              /* datagrams that the ring's sockets dropped within the window */
	int64_t datagrams_in;                       /* UDP datagrams that all sockets got within the window */
	int64_t rmem_max;                           /* net.core.rmem_max */
	const char *state_dir;                      /* borrowed; NULL: not known */
	int state_errno;                            /* why the folder cannot be looked at; 0: it can */
	bool is_state_read_only, is_state_writable; /* of the file system, and for the daemon's user */
	int64_t state_free, state_files_free;
	int64_t shm_free;           /* of /dev/shm */
	int64_t key_mode, key_size; /* of the key file */
	const char *key_file;       /* borrowed; NULL: not known */
	int key_errno;
	/* Within the window: */
	int64_t wait_ms;       /* the daemon was ready and did not run */
	int64_t throttled_ms;  /* its control group was over its quota; since start */
	int64_t steal_percent; /* the hypervisor ran others */
	int64_t cpu_pressure;  /* percent of the last 10 s in which a task waited for a processor */
	int64_t faults;        /* pages that the daemon had to read back; since start */
	/* Corosync beside: */
	int64_t corosync_pid;
	bool is_corosync_enabled, is_coterie_enabled; /* their units start at boot */
	int64_t other_pid;                            /* a second Coterie daemon with the same file and node */
	/* Libraries that the daemon has loaded, as the package manager names their versions; NULL: not known. */
	const char *knet_version, *qb_version; /* borrowed */
	bool is_knet_mended;                   /* the package's list of changes names the vulnerabilities */
	bool is_qb_mended;
};

/** All unknown. */
void doctor_host_init(struct doctor_host *host);

/* --- interfaces --- */

struct doctor_link {
	uint32_t number;
	char address[DOCTOR_ADDRESS_SIZE]; /* of this node; "": unknown */
	char interface[32];                /* with the address; "": none */
	bool is_up, has_carrier;
	int64_t mtu;
	int64_t speed_mbit;              /* DOCTOR_UNKNOWN: the driver does not tell */
	int64_t rx_bytes, tx_bytes;      /* within the window */
	int64_t duplicate_macs;          /* hosts beside this one that answer for the address */
	char other_mac[20];              /* of one of them */
	bool is_port_taken;              /* another process has the port, while this node's daemon does not run */
	char group[DOCTOR_ADDRESS_SIZE]; /* multicast group of the ring; "": none */
	char foreign_group
		[DOCTOR_ADDRESS_SIZE]; /* another one to which a configured node sends with the port of the ring */
	uint32_t foreign_node;
	char unlisted[DOCTOR_ADDRESS_SIZE]; /* sends to the port of the ring, and is in no node list; "": none */
};

/* --- paths --- */

enum doctor_answer {
	DOCTOR_UNTRIED,
	DOCTOR_ANSWERS,  /* echo: replies; TCP: connected */
	DOCTOR_REFUSES,  /* TCP: reset; UDP: port unreachable */
	DOCTOR_FORBIDS,  /* an ICMP error of a firewall or of this host's own one */
	DOCTOR_NO_ROUTE, /* an ICMP error, or no neighbour answered */
	DOCTOR_SILENT,
};

/** The path from this node to one address of another. */
struct doctor_path {
	uint32_t nodeid, link;
	char name[64];
	char address[DOCTOR_ADDRESS_SIZE];
	bool is_loopback;
	enum doctor_answer icmp, tcp, udp; /* udp: ICMP errors about packets of the daemon */
	/* Echo requests: */
	uint32_t sent, received;
	int64_t rtt_p50_us, rtt_p99_us, rtt_max_us;
	/* Path MTU, whole IP packets: */
	int64_t mtu_wanted;   /* largest packet of the ring */
	int64_t mtu_passed;   /* largest that went there and came back, with "do not fragment" */
	int64_t mtu_failed;   /* smallest that did not */
	int64_t mtu_reported; /* named by a router */
	int64_t mtu_back;     /* size of the fragments of an answer, if it came in fragments */
	int64_t clock_ms;     /* its clock less that of this node; valid with has_clock */
	bool has_clock;
	/* Packets that passed the interface within the window: */
	bool has_tap;
	uint64_t packets_in, packets_out; /* UDP to the port of the ring */
	int64_t duplicate_macs;           /* more than one host answers for the address: how many */
	char macs[2][20];                 /* of two of them */
	/* As the daemon tells: */
	int64_t heard_ms; /* since its last packet */
};

/* --- nodes --- */

/** A node of the node list. */
struct doctor_member {
	uint32_t id;
	char name[64];
	bool is_local;
	bool is_joined;  /* in the ring of this node */
	bool was_joined; /* at the begin of the window */
	int64_t votes;
	char addresses[DOCTOR_LINKS_MAX][DOCTOR_ADDRESS_SIZE]; /* as configured; "": none */
	char resolved[DOCTOR_LINKS_MAX][DOCTOR_ADDRESS_SIZE];  /* numbers; "": unknown */
	int64_t resolve_ms[DOCTOR_LINKS_MAX];
	bool is_not_looked_up[DOCTOR_LINKS_MAX]; /* a name, after another one had taken too long */
};

/** Answers of another node about itself. */
struct doctor_node {
	uint32_t id;
	bool is_asked; /* and has answered */
	char why[160]; /* not */
	struct doctor_keys config, stats;
};

enum doctor_mode {
	DOCTOR_OF_DAEMON, /* the daemon runs */
	DOCTOR_OF_HOST,   /* it does not run, and its file is judged */
	DOCTOR_OF_FILE,   /* before the first start: that the daemon does not run is no finding */
};

struct doctor_facts {
	enum doctor_mode mode;
	bool is_running;   /* this instance's daemon, also where a file is judged */
	char problem[512]; /* why the daemon does not answer */
	double window_s;
	uint32_t self;                          /* node id; 0: not known */
	struct doctor_keys config;              /* of the daemon, or of the file */
	struct doctor_keys stats, stats_before; /* at the end and at the begin of the window */
	char *file_name;                        /* malloc'd; NULL: not known */
	bool is_file_read;
	struct doctor_keys file; /* keys that the file makes */
	char file_problem[512];  /* why the file is refused; "" */
	struct doctor_host host;
	struct doctor_link links[DOCTOR_LINKS_MAX];
	uint32_t link_count;
	struct doctor_member *members;
	size_t member_count;
	struct doctor_path *paths;
	size_t path_count;
	struct doctor_node *nodes;
	size_t node_count;
	char why_no_network[160]; /* paths were not probed; "" */
	char why_no_tap[160];     /* interfaces were not watched; "" */
};

/** Everything unknown. */
void doctor_facts_init(struct doctor_facts *facts);
void doctor_facts_fini(struct doctor_facts *facts);
/**
 * Make the list of members of facts->config, and their state of facts->stats and facts->config. Joined are those with
 * runtime.members.ID.status = joined.
 * @return 0; -ENOMEM
 */
int doctor_facts_members(struct doctor_facts *facts);
/** @return the member of this id; NULL */
struct doctor_member *doctor_member(const struct doctor_facts *facts, uint32_t id);
/** @return "knet", "udpu", "udp" or the name of another transport */
const char *doctor_transport(const struct doctor_facts *facts);
/** @return port of link number, in host order */
uint16_t doctor_port(const struct doctor_facts *facts, uint32_t number);
/** The difference of a statistic over the window. @return DOCTOR_UNKNOWN: it is not known, or was cleared */
int64_t doctor_growth(const struct doctor_facts *facts, const char *key);
/** Milliseconds since node was heard, of the text of stats.coterie.heard. DOCTOR_UNKNOWN: never, or no such text */
int64_t doctor_heard_ms(const struct doctor_keys *stats, uint32_t nodeid);
/** How a list of words "ID-word ..." calls a node. @return false: it does not */
bool doctor_word_of(const char *list, uint32_t nodeid, char word[16]);

#endif
