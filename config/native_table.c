/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of the executive's own blocks in coterie.conf (book configuration, "Native syntax"). The
 * parser, --help-config and --print-config all use this table.
 */
#include "config/native.h"

#include <string.h>

#include "config/words.h"

#define R COTERIE_OPT_RELOAD
#define MS(number) ((uint64_t)(number))
#define HOUR 3600000u
#define MAX32 UINT32_MAX

/* Initialise the option of a row. */
#define OPTION(name_, type_, flags_, initial_, min_, max_, choices_, help_) \
	{ \
		.name = name_, .type = type_, .flags = flags_, .initial = initial_, .min = min_, .max = max_, \
		.choices = choices_, .help = help_ \
	}

/* Initialise rows of common kinds. */
#define DURATION(block_, name_, initial_, min_, max_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_MS, flags_, initial_, min_, max_, NULL, help_), \
		.form = FORM_NUMBER, .path = path_ \
	}
#define SECONDS(block_, name_, initial_, min_, max_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_MS, flags_, initial_, min_, max_, NULL, help_), \
		.form = FORM_SECONDS, .path = path_ \
	}
#define NUMBER(block_, name_, initial_, min_, max_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_U64, flags_, initial_, min_, max_, NULL, help_), \
		.form = FORM_NUMBER, .path = path_ \
	}
#define TEXT(block_, name_, initial_, max_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_STRING, flags_, initial_, 1, max_, NULL, help_), \
		.form = FORM_TEXT, .path = path_ \
	}
#define BOOL(block_, name_, initial_, form_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_BOOL, flags_, initial_, 0, 0, NULL, help_), \
		.form = form_, .path = path_ \
	}
#define CHOICE(block_, name_, initial_, choices_, words_, path_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, COTERIE_OPT_ENUM, flags_, initial_, 0, 0, choices_, help_), \
		.form = FORM_WORDS, .path = path_, .words = words_ \
	}
#define SPECIAL(block_, name_, type_, initial_, min_, max_, choices_, flags_, help_) \
	{ \
		.block = block_, .option = OPTION(name_, type_, flags_, initial_, min_, max_, choices_, help_), \
		.form = FORM_SPECIAL \
	}
#define OF_TRANSPORT(names_, ...) \
	{ \
		.block = "transport", .only = names_, __VA_ARGS__ \
	}

#define PRIORITIES "emerg alert crit error warning notice info"
#define LEVELS PRIORITIES " debug trace"

static const struct native_row rows[] = {
	SPECIAL("", "keys", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"more keys of the map, each \"key=value\", for what has no option of its own"),

	TEXT("cluster", "name", NULL, 64, "totem.cluster_name", 0, "name of the cluster"),
	NUMBER("cluster", "config-version", "0", 0, UINT64_MAX, "totem.config_version", R,
		"version of this file, compared among the nodes (0: not compared)"),
	TEXT("cluster", "uuid", NULL, 64, "totem.cluster_uuid", R, "identity of the cluster, for tools"),

	DURATION("totem", "token", "3s", 30, HOUR, "totem.token", R,
		"time without the token after which it counts as lost, with up to 2 nodes"),
	DURATION("totem", "token-per-node", "650ms", 0, HOUR, "totem.token_coefficient", R,
		"addition to token for each node beyond the second"),
	{.block = "totem",
		.option = OPTION("token-warning", COTERIE_OPT_U32, R, "75%", 0, 100, NULL,
			"share of the token timeout that is worth a warning; 0: none"),
		.form = FORM_PERCENT,
		.path = "totem.token_warning"},
	NUMBER("totem", "token-retransmits", "4", 1, 100, "totem.token_retransmits_before_loss_const", R,
		"how often the token is sent again before it counts as lost"),
	DURATION("totem", "token-retransmit", NULL, 30, MAX32, "totem.token_retransmit", R, "time between these"),
	DURATION("totem", "hold", NULL, 14, MAX32, "totem.hold", R,
		"how long the representative keeps the token of an idle ring"),
	DURATION("totem", "join", "50ms", 30, MAX32, "totem.join", R, "time between joins"),
	DURATION("totem", "send-join", "0", 0, MAX32, "totem.send_join", R,
		"longest random delay before a join, for large rings"),
	DURATION("totem", "consensus", NULL, 30, MAX32, "totem.consensus", R,
		"time to agree on a membership, at least join"),
	{.block = "totem",
		.option = OPTION("silence", COTERIE_OPT_MS, R, NULL, 200, HOUR, "quick cloud",
			"how long a member may be silent before it is removed; token and consensus together if absent"),
		.form = FORM_BUDGET,
		.path = "coterie.totem.silence"},
	DURATION("totem", "merge", "200ms", 30, MAX32, "totem.merge", R, "how often an idle ring looks for others"),
	DURATION("totem", "downcheck", "1s", 30, MAX32, "totem.downcheck", R,
		"of Corosync alone: the kernel tells of interfaces here"),
	NUMBER("totem", "fail-to-receive", "2500", 1, MAX32, "totem.fail_recv_const", R,
		"rotations without progress after which a node counts as unable to receive"),
	NUMBER("totem", "seqno-unchanged", "30", 1, MAX32, "totem.seqno_unchanged_const", R,
		"idle rotations after which the token is held"),
	NUMBER("totem", "heartbeat-failures", "0", 0, MAX32, "totem.heartbeat_failures_allowed", R,
		"missed heartbeats after which the token counts as lost (0: no heartbeat)"),
	DURATION("totem", "max-network-delay", "50ms", 30, MAX32, "totem.max_network_delay", R,
		"longest delay of a packet, for the heartbeat"),
	NUMBER("totem", "window", "50", 1, 4096, "totem.window_size", R,
		"frames that may be sent in one rotation of the token"),
	NUMBER("totem", "max-messages", "17", 1, 4096, "totem.max_messages", R,
		"frames that one node may send at one visit of the token"),
	NUMBER("totem", "miss-count", "5", 1, MAX32, "totem.miss_count_const", R,
		"rotations after which a missing frame is asked for (more than 2 count as 2)"),
	BOOL("totem", "hold-on-retransmit", "yes", FORM_NO_YES, "totem.cancel_token_hold_on_retransmit", R,
		"of Corosync alone: hold the token also while frames are sent again"),
	BOOL("totem", "block-unlisted", "yes", FORM_YES_NO, "totem.block_unlisted_ips", R,
		"drop packets from addresses that are not in the node list"),

	OF_TRANSPORT("udp udpu", .option = OPTION("port", COTERIE_OPT_U32, 0, "5405", 1, 65535, NULL, "UDP port"),
		.form = FORM_NUMBER, .path = "totem.interface.mcastport"),
	OF_TRANSPORT("udp udpu",
		.option = OPTION(
			"mtu", COTERIE_OPT_SIZE, 0, "1500", 576, 65536, NULL, "largest packet, IP headers included"),
		.form = FORM_NUMBER, .path = "totem.netmtu"),
	{.block = "transport",
		.option = OPTION("ip-version", COTERIE_OPT_ENUM, 0, NULL, 0, 0, "ipv4 ipv6 ipv4-6 ipv6-4",
			"which addresses of a host name are used"),
		.form = FORM_WORDS,
		.path = "totem.ip_version",
		.words = "ipv4 ipv6 ipv4-6 ipv6-4"},
	OF_TRANSPORT("knet udp udpu",
		.option = OPTION("dscp", COTERIE_OPT_STRING, 0, NULL, 1, 16, NULL,
			"differentiated services code point: 0 to 63, or its name"),
		.form = FORM_TEXT, .path = "totem.ip_dscp"),
	OF_TRANSPORT("udp",
		.option = OPTION("bind-network", COTERIE_OPT_ADDRESS, 0, NULL, 0, 0, NULL,
			"kept in the map only: the node list says which address is used"),
		.form = FORM_TEXT, .path = "totem.interface.bindnetaddr"),
	OF_TRANSPORT("udp",
		.option = OPTION("multicast-address", COTERIE_OPT_ADDRESS, 0, NULL, 0, 0, NULL,
			"group of the ring; made from the cluster's name if absent"),
		.form = FORM_TEXT, .path = "totem.interface.mcastaddr"),
	OF_TRANSPORT("udp",
		.option = OPTION("ttl", COTERIE_OPT_U32, 0, "1", 0, 255, NULL, "hops that a multicast packet may take"),
		.form = FORM_NUMBER, .path = "totem.interface.ttl"),
	OF_TRANSPORT("udp",
		.option = OPTION("broadcast", COTERIE_OPT_BOOL, 0, "no", 0, 0, NULL, "broadcast instead of multicast"),
		.form = FORM_YES_NO, .path = "totem.interface.broadcast"),
	OF_TRANSPORT("knet",
		.option = OPTION("link-mode", COTERIE_OPT_ENUM, 0, "passive", 0, 0, "passive active rr",
			"how several links are used"),
		.form = FORM_WORDS, .path = "totem.link_mode", .words = "passive active rr"),
	OF_TRANSPORT("knet",
		.option = OPTION(
			"crypto-model", COTERIE_OPT_ENUM, R, "nss", 0, 0, "nss openssl", "library that encrypts"),
		.form = FORM_WORDS, .path = "totem.crypto_model", .words = "nss openssl"),
	OF_TRANSPORT("knet",
		.option = OPTION("cipher", COTERIE_OPT_ENUM, R, "aes256", 0, 0, "none aes128 aes192 aes256",
			"encryption of packets; needs a hash; none in a ring of loopback addresses and in corosync.conf"),
		.form = FORM_WORDS, .path = "totem.crypto_cipher", .words = "none aes128 aes192 aes256"),
	OF_TRANSPORT("knet",
		.option = OPTION("hash", COTERIE_OPT_ENUM, R, "sha256", 0, 0, "none md5 sha1 sha256 sha384 sha512",
			"authentication of packets; none in a ring of loopback addresses and in corosync.conf"),
		.form = FORM_WORDS, .path = "totem.crypto_hash", .words = "none md5 sha1 sha256 sha384 sha512"),
	OF_TRANSPORT("udp udpu",
		.option = OPTION("encryption", COTERIE_OPT_ENUM, R, "aes256-gcm", 0, 0,
			"none aes256-gcm chacha20-poly1305",
			"authenticated encryption of packets; none in a ring of loopback addresses and in corosync.conf"),
		.form = FORM_WORDS, .path = "totem.encryption", .words = "none aes256-gcm chacha20-poly1305"),
	OF_TRANSPORT("knet",
		.option = OPTION("encryption", COTERIE_OPT_ENUM, R, NULL, 0, 0, "none", "neither cipher nor hash"),
		.form = FORM_SPECIAL),
	OF_TRANSPORT("knet udp udpu",
		.option = OPTION(
			"key-file", COTERIE_OPT_STRING, R, NULL, 1, 4095, NULL, "file with the ring's secret key"),
		.is_path = true, .form = FORM_TEXT, .path = "totem.keyfile"),
	OF_TRANSPORT("knet",
		.option = OPTION("compression", COTERIE_OPT_ENUM, R, "none", 0, 0,
			"none zlib lz4 lz4hc lzo2 lzma bzip2 zstd", "compression of packets"),
		.form = FORM_WORDS, .path = "totem.knet_compression_model",
		.words = "none zlib lz4 lz4hc lzo2 lzma bzip2 zstd"),
	OF_TRANSPORT("knet",
		.option = OPTION("compression-threshold", COTERIE_OPT_SIZE, R, "0", 0, MAX32, NULL,
			"smallest packet worth it; 0: as libknet has it"),
		.form = FORM_NUMBER, .path = "totem.knet_compression_threshold"),
	OF_TRANSPORT("knet",
		.option = OPTION("compression-level", COTERIE_OPT_STRING, R, "0", (uint64_t)INT32_MIN, INT32_MAX, NULL,
			"passed to the library"),
		.form = FORM_SIGNED, .path = "totem.knet_compression_level"),
	OF_TRANSPORT("knet",
		.option = OPTION("pmtud-interval", COTERIE_OPT_MS, R, "30s", 1000, MS(MAX32) * 1000, NULL,
			"how often the path's packet size is measured"),
		.form = FORM_SECONDS, .path = "totem.knet_pmtud_interval"),
	OF_TRANSPORT("knet",
		.option = OPTION("link-mtu", COTERIE_OPT_SIZE, R, "0", 0, MAX32, NULL,
			"packet size of the links; 0: it is measured"),
		.form = FORM_NUMBER, .path = "totem.knet_mtu"),
	OF_TRANSPORT("knet",
		.option = OPTION("mtu", COTERIE_OPT_SIZE, 0, NULL, 576, 65536, NULL, "largest frame handed to libknet"),
		.form = FORM_NUMBER, .path = "totem.netmtu"),
	OF_TRANSPORT("knet",
		.option = OPTION("unprivileged", COTERIE_OPT_BOOL, 0, "no", 0, 0, NULL,
			"start also where large socket buffers are not allowed"),
		.form = FORM_YES_NO, .path = "system.allow_knet_handle_fallback"),

	NUMBER("link", "port", NULL, 1, 65535, "totem.interface.mcastport", 0,
		"UDP port of the link (if absent: 5405 plus its number)"),
	NUMBER("link", "priority", "1", 0, 255, "totem.interface.knet_link_priority", R,
		"of several usable links the highest is used (link-mode passive)"),
	DURATION("link", "ping-interval", NULL, 0, INT32_MAX, "totem.interface.knet_ping_interval", R,
		"time between two pings"),
	DURATION("link", "ping-timeout", NULL, 0, INT32_MAX, "totem.interface.knet_ping_timeout", R,
		"time without an answer after which a link counts as down, at least 200ms"),
	NUMBER("link", "ping-precision", "2048", 0, INT32_MAX, "totem.interface.knet_ping_precision", R,
		"samples that the latency is averaged over"),
	NUMBER("link", "pong-count", "2", 0, INT32_MAX, "totem.interface.knet_pong_count", R,
		"answers after which a link counts as up"),
	CHOICE("link", "protocol", "udp", "udp sctp", "udp sctp", "totem.interface.knet_transport", 0,
		"protocol that carries the link"),

	NUMBER("node", "id", NULL, 0, MAX32 - 1, "nodelist.node.nodeid", R,
		"node id (if absent: made from the IPv4 address, for udp and udpu)"),
	SPECIAL("node", "address", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"addresses or host names, one for each link (\"\" if the node is not on a link)"),
	NUMBER("node", "votes", "1", 0, 65535, "nodelist.node.quorum_votes", R, "votes of the node"),
	SPECIAL("node", "named", COTERIE_OPT_BOOL, "yes", 0, 0, NULL, R,
		"no: the title is not the node's name, and the map has none"),
	SPECIAL("node", "keys", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"more keys of the node, each \"key=value\", such as datacenterid"),

	SPECIAL("quorum", "provider", COTERIE_OPT_STRING, NULL, 1, 64, NULL, 0,
		"votequorum, none or a plugin (if absent: votequorum, if that service is loaded)"),
	NUMBER("quorum", "expected-votes", NULL, 0, MAX32, "quorum.expected_votes", R,
		"number of all votes (if absent: the sum over the nodes)"),
	NUMBER("quorum", "votes", NULL, 0, MAX32, "quorum.votes", R,
		"votes of this node, where nodes have none of their own"),
	BOOL("quorum", "two-node", "no", FORM_BIT, "quorum.two_node", R,
		"one of two nodes keeps quorum, also switches wait-for-all on"),
	BOOL("quorum", "wait-for-all", "no", FORM_BIT, "quorum.wait_for_all", 0,
		"first quorum only when all nodes have been seen"),
	SPECIAL("quorum", "auto-tie-breaker", COTERIE_OPT_STRING, "no", 1, 400, NULL, 0,
		"of two halves the one with this node has quorum: no, yes, lowest, highest, or node "
		"ids separated by blanks"),
	BOOL("quorum", "last-man-standing", "no", FORM_BIT, "quorum.last_man_standing", 0,
		"expected votes follow the nodes that are left"),
	DURATION("quorum", "last-man-standing-window", "10s", 0, MAX32, "quorum.last_man_standing_window", 0,
		"after this time"),
	BOOL("quorum", "allow-downscale", "no", FORM_BIT, "quorum.allow_downscale", 0,
		"expected votes follow nodes that leave in order"),
	BOOL("quorum", "expected-votes-tracking", "no", FORM_BIT, "quorum.expected_votes_tracking", 0,
		"the highest expected votes are kept on disk"),

	NUMBER("quorum device", "votes", NULL, 0, MAX32, "quorum.device.votes", R, "votes of the device"),
	DURATION("quorum device", "timeout", "10s", 0, MAX32, "quorum.device.timeout", R,
		"how long the device may be silent"),
	DURATION("quorum device", "sync-timeout", "30s", 0, MAX32, "quorum.device.sync_timeout", R,
		"the same during a change of membership"),
	BOOL("quorum device", "master-wins", "no", FORM_BIT, "quorum.device.master_wins", 0,
		"the partition that holds the device has quorum"),
	TEXT("quorum device", "host", NULL, 255, "quorum.device.net.host", R, "host of corosync-qnetd"),
	TEXT("quorum device", "port", NULL, 5, "quorum.device.net.port", R, "its port"),
	TEXT("quorum device", "algorithm", NULL, 32, "quorum.device.net.algorithm", R, "ffsplit or lms"),
	TEXT("quorum device", "tie-breaker", NULL, 32, "quorum.device.net.tie_breaker", R,
		"lowest, highest or a node id"),
	TEXT("quorum device", "tls", NULL, 16, "quorum.device.net.tls", R, "on, off or required"),
	DURATION("quorum device", "connect-timeout", NULL, 0, MAX32, "quorum.device.net.connect_timeout", R,
		"how long connecting may take"),
	TEXT("quorum device", "force-ip-version", NULL, 1, "quorum.device.net.force_ip_version", R, "0, 4 or 6"),
	TEXT("quorum device", "keep-active-partition-tie-breaker", NULL, 8,
		"quorum.device.net.keep_active_partition_tie_breaker", R, "on or off"),
	TEXT("quorum device heuristics", "mode", NULL, 8, "quorum.device.heuristics.mode", R, "off, on or sync"),
	DURATION("quorum device heuristics", "interval", NULL, 0, MAX32, "quorum.device.heuristics.interval", R,
		"time between two runs"),
	DURATION("quorum device heuristics", "timeout", NULL, 0, MAX32, "quorum.device.heuristics.timeout", R,
		"how long a run may take"),
	DURATION("quorum device heuristics", "sync-timeout", NULL, 0, MAX32, "quorum.device.heuristics.sync_timeout", R,
		"the same during a change of membership"),
	SPECIAL("quorum device heuristics", "exec", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"commands, each \"NAME=COMMAND\""),

	SPECIAL("service", "enabled", COTERIE_OPT_BOOL, "yes", 0, 0, NULL, R,
		"no: the service is not loaded, also if it is a standard one"),

	SPECIAL("plugins", "path", COTERIE_OPT_LIST, NULL, 0, 0, NULL, 0,
		"folders where plugins are looked for, in this order"),
	SPECIAL("plugins", "load", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R, "plugins to load beside the services"),
	BOOL("plugins", "builtin-only", "no", FORM_YES_NO, "coterie.plugins.builtin_only", 0,
		"only plugins that are linked into the daemon"),
	SPECIAL("plugins", "standard", COTERIE_OPT_BOOL, "yes", 0, 0, NULL, R,
		"no: only services that have a block, or stand in 'load', are loaded"),

	BOOL("log", "stderr", "yes", FORM_YES_NO, "logging.to_stderr", R, "log to stderr"),
	BOOL("log", "syslog", "yes", FORM_YES_NO, "logging.to_syslog", R, "log to syslog"),
	SPECIAL("log", "file", COTERIE_OPT_STRING, NULL, 1, 4095, NULL, R, "log to this file"),
	SPECIAL("log", "level", COTERIE_OPT_ENUM, "info", 0, 0, LEVELS, R,
		"least severe lines that are logged, to any target"),
	CHOICE("log", "file-level", NULL, PRIORITIES, PRIORITIES, "logging.logfile_priority", R,
		"least severe lines for the file and stderr"),
	CHOICE("log", "syslog-level", NULL, PRIORITIES, PRIORITIES, "logging.syslog_priority", R,
		"least severe lines for syslog"),
	CHOICE("log", "facility", "daemon",
		"auth authpriv cron daemon ftp kern lpr mail news syslog user uucp local0 local1 "
		"local2 local3 local4 local5 local6 local7",
		"auth authpriv cron daemon ftp kern lpr mail news syslog user uucp local0 local1 "
		"local2 local3 local4 local5 local6 local7",
		"logging.syslog_facility", R, "facility of syslog"),
	CHOICE("log", "timestamp", "ms", "off seconds ms", "off on hires", "logging.timestamp", R,
		"time in front of each line"),
	SPECIAL("log", "source", COTERIE_OPT_BOOL, "no", 0, 0, NULL, R,
		"kept in the map only: lines carry no place in the source"),
	CHOICE("log", "format", "text", "text json", "text json", "coterie.log.format", R,
		"lines for people or, in the file and on stderr, one JSON object each"),
	SPECIAL("log subsystem", "level", COTERIE_OPT_ENUM, NULL, 0, 0, LEVELS, R,
		"least severe lines of this subsystem"),
	SPECIAL("log subsystem", "file", COTERIE_OPT_STRING, NULL, 1, 4095, NULL, R, "a log file of its own"),
	CHOICE("log subsystem", "file-level", NULL, PRIORITIES, PRIORITIES, "logging.logger_subsys.logfile_priority", R,
		"least severe lines for the file and stderr"),
	CHOICE("log subsystem", "syslog-level", NULL, PRIORITIES, PRIORITIES, "logging.logger_subsys.syslog_priority",
		R, "least severe lines for syslog"),

	SPECIAL("access", "administrators", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"users and \"@groups\" that may do what root may: names or ids"),
	SPECIAL("access", "users", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"users and \"@groups\" that may use the services, but not steer the daemon"),
	SPECIAL("access", "groups", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"groups that may do the same, without the @"),
	SPECIAL("access", "observers", COTERIE_OPT_LIST, NULL, 0, 0, NULL, R,
		"users and \"@groups\" that may only look: status, keys, statistics"),

	BOOL("process", "realtime", "yes", FORM_YES_NO, "system.sched_rr", 0, "run with real-time priority"),
	{.block = "process",
		.option = OPTION(
			"nice", COTERIE_OPT_STRING, 0, "0", (uint64_t)-20, 19, NULL, "priority where realtime is no"),
		.form = FORM_SIGNED,
		.path = "system.priority"},
	CHOICE("process", "cgroup", "auto", "auto root keep", "auto yes no", "system.move_to_root_cgroup", 0,
		"move to the root cgroup"),
	BOOL("process", "lock-memory", "yes", FORM_YES_NO, "coterie.process.lock_memory", 0,
		"keep the daemon's memory from being paged out"),
	CHOICE("process", "ipc", "native", "native shm socket", "native shm socket", "system.qb_ipc_type", 0,
		"how clients are served"),
	SPECIAL("process", "state-dir", COTERIE_OPT_STRING, NULL, 1, 4000, NULL, 0,
		"folder of what outlives the daemon"),
	SPECIAL("process", "run-dir", COTERIE_OPT_STRING, NULL, 1, 4000, NULL, 0, "folder of the pid file"),
	SPECIAL("process", "blackbox-size", COTERIE_OPT_SIZE, "8M", 0, 64 << 20, NULL, 0,
		"memory of the flight recorder, 64K to 64M (0: it is off)"),
	TEXT("process", "watchdog", NULL, 255, "resources.watchdog_device", 0, "device of the watchdog, or off"),
	SECONDS("process", "watchdog-timeout", "6s", 2000, 120000, "resources.watchdog_timeout", 0,
		"how long it waits"),
	BOOL("process", "strict", "no", FORM_YES_NO, "coterie.process.strict", 0,
		"warnings about the configuration are errors"),

	SPECIAL("instance", "state-dir", COTERIE_OPT_STRING, NULL, 1, 4000, NULL, 0, "state folder of this instance"),
	SPECIAL("instance", "run-dir", COTERIE_OPT_STRING, NULL, 1, 4000, NULL, 0, "run folder of this instance"),
	SPECIAL("instance", "node", COTERIE_OPT_STRING, NULL, 1, 255, NULL, 0, "the node that this instance is"),
};

static const struct native_kind kinds[] = {
	{"cluster", "cluster", NULL, false, "the cluster as a whole"},
	{"totem", "totem", NULL, false, "the ring's protocol: timers and limits"},
	{"transport", "transport", "NAME", true, "transport of the ring (one block, knet if there is none)"},
	{"link", "link", "NUMBER", false, "one link, 0 to 7 (more than one needs knet)"},
	{"node", "node", "NAME", false, "one member of the cluster"},
	{"quorum", "quorum", NULL, false, "rules that decide which part of a divided cluster may act"},
	{"quorum device", "device", "MODEL", false, "a quorum device (net is corosync-qdevice's)"},
	{"quorum device heuristics", "heuristics", NULL, false, "checks that the device's algorithm counts"},
	{"service", "service", "NAME", true, "a service to load, beside the standard ones"},
	{"plugins", "plugins", NULL, false, "where plugins are, and which to load"},
	{"log", "log", NULL, false, "logging: lines and targets"},
	{"log subsystem", "subsystem", "NAME", false, "the same for one part of the daemon"},
	{"access", "access", NULL, false, "which users beside root may connect, and what they may do"},
	{"process", "process", NULL, false, "the daemon's process"},
	{"instance", "instance", "NAME", false, "settings for a daemon that is started with --instance NAME"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct native_kind *native_kind_at(uint32_t index) { return index < COUNT(kinds) ? &kinds[index] : NULL; }

const struct native_kind *native_kind_find(const char *path)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].path, path) == 0)
			return &kinds[i];
	return NULL;
}

const struct native_row *native_row_at(uint32_t index) { return index < COUNT(rows) ? &rows[index] : NULL; }

bool native_row_is_for(const struct native_row *row, const char *transport)
{
	return row->only == NULL || (transport != NULL && config_has_word(row->only, transport));
}

const struct native_row *native_row_find(const char *block, const char *name, const char *transport)
{
	const struct native_row *found = NULL;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].block, block) != 0 || strcmp(rows[i].option.name, name) != 0)
			continue;
		if (native_row_is_for(&rows[i], transport))
			return &rows[i];
		if (found == NULL)
			found = &rows[i];
	}
	return found;
}
