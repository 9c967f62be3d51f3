/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judges of coterie-ctl doctor: a healthy node of three has no finding, and each fault has the finding that
 * describes it.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tools/ctl/doctor/judge.h"

#define NODES 3

/* --- a healthy node --- */

static void set(struct doctor_keys *keys, const char *name, const char *value)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (strcmp(keys->list[i].name, name) == 0) {
			free(keys->list[i].value);
			keys->list[i].value = strdup(value);
			return;
		}
	}
	ck_assert_int_eq(doctor_keys_add(keys, name, value), 0);
}

static void add_nodes(struct doctor_facts *facts)
{
	for (int i = 0; i < NODES; i++) {
		char key[80], value[80];

		snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", i);
		snprintf(value, sizeof(value), "%d", i + 1);
		set(&facts->config, key, value);
		snprintf(key, sizeof(key), "nodelist.node.%d.name", i);
		snprintf(value, sizeof(value), "n%d", i + 1);
		set(&facts->config, key, value);
		snprintf(key, sizeof(key), "nodelist.node.%d.ring0_addr", i);
		snprintf(value, sizeof(value), "10.0.0.%d", i + 1);
		set(&facts->config, key, value);
		snprintf(key, sizeof(key), "runtime.members.%d.status", i + 1);
		set(&facts->config, key, "joined");
	}
}

static void add_paths(struct doctor_facts *facts)
{
	facts->paths = calloc(NODES, sizeof(*facts->paths));
	facts->path_count = NODES;
	for (int i = 0; i < NODES; i++) {
		struct doctor_path *path = &facts->paths[i];

		*path = (struct doctor_path){.nodeid = (uint32_t)i + 1,
			.icmp = DOCTOR_ANSWERS,
			.tcp = DOCTOR_ANSWERS,
			.sent = 200,
			.received = 200,
			.rtt_p50_us = 200,
			.rtt_p99_us = 900,
			.rtt_max_us = 2000,
			.mtu_wanted = 1500,
			.mtu_passed = 1500,
			.mtu_failed = DOCTOR_UNKNOWN,
			.mtu_reported = DOCTOR_UNKNOWN,
			.mtu_back = DOCTOR_UNKNOWN,
			.has_clock = true,
			.clock_ms = 3,
			.has_tap = true,
			.packets_in = i == 0 ? 0 : 40,
			.packets_out = 40,
			.duplicate_macs = 1,
			.heard_ms = 20};
		snprintf(path->name, sizeof(path->name), "n%d", i + 1);
		snprintf(path->address, sizeof(path->address), "10.0.0.%d", i + 1);
	}
}

static void add_host(struct doctor_facts *facts)
{
	struct doctor_host *host = &facts->host;

	host->is_root = true;
	host->pid = 4711;
	host->policy = SCHED_RR;
	host->rt_runtime_us = 950000;
	host->rt_period_us = 1000000;
	host->locked = 60000000;
	host->fds_open = 40;
	host->fds_max = 65536;
	host->receive_buffer = 8388608;
	host->drops = 0;
	host->rmem_max = 4194304;
	host->state_dir = "/var/lib/coterie";
	host->is_state_writable = true;
	host->state_free = INT64_C(1) << 30;
	host->state_files_free = 100000;
	host->shm_free = INT64_C(1) << 30;
	host->key_file = "/etc/coterie/authkey";
	host->key_mode = 0400;
	host->key_size = 256;
	host->knet_version = "1.35-1";
	host->qb_version = "2.0.6-2";
	host->throttled_ms = 0;
	host->steal_percent = 0;
	host->cpu_pressure = 0;
	host->faults = 0;
}

static void fill(struct doctor_facts *facts)
{
	doctor_facts_init(facts);
	facts->self = 1;
	facts->window_s = 3;
	set(&facts->config, "totem.transport", "udpu");
	set(&facts->config, "totem.cluster_name", "lab");
	set(&facts->config, "totem.encryption", "aes256-gcm");
	set(&facts->config, "runtime.config.totem.token", "3000");
	set(&facts->config, "quorum.provider", "corosync_votequorum");
	add_nodes(facts);
	facts->is_file_read = true;
	set(&facts->file, "totem.transport", "udpu");
	set(&facts->stats, "stats.quorate", "1");
	set(&facts->stats, "stats.coterie.version", "0.1.0");
	set(&facts->stats, "stats.coterie.uptime_ms", "7200000");
	set(&facts->stats, "stats.coterie.scheduler.late", "0");
	set(&facts->stats, "stats.coterie.encryption", "aes256-gcm 1a2b");
	set(&facts->stats, "stats.coterie.heard", "2-20 3-20");
	set(&facts->stats, "stats.coterie.times.token_rotation.00.count", "9990");
	set(&facts->stats, "stats.coterie.times.token_rotation.00.below_us", "1000000");
	set(&facts->stats, "stats.coterie.times.token_rotation.01.count", "10");
	set(&facts->stats, "stats.coterie.times.token_rotation.01.below_us", "2000000");
	set(&facts->stats, "stats.coterie.times.token_rotation.02.count", "0");
	set(&facts->stats, "stats.coterie.times.token_rotation.max_us", "1100000");
	facts->links[0] = (struct doctor_link){.address = "10.0.0.1",
		.interface = "eth0",
		.is_up = true,
		.has_carrier = true,
		.mtu = 1500,
		.speed_mbit = 1000};
	facts->link_count = 1;
	ck_assert_int_eq(doctor_facts_members(facts), 0);
	for (int i = 0; i < NODES; i++)
		memcpy(facts->members[i].resolved[0], facts->members[i].addresses[0], DOCTOR_ADDRESS_SIZE);
	add_paths(facts);
	add_host(facts);
}

/* Remove node 3 from the ring. The row of the table sets its state. */
static struct doctor_path *part(struct doctor_facts *facts)
{
	facts->members[2].is_joined = facts->members[2].was_joined = false;
	facts->paths[2].heard_ms = 90000;
	facts->paths[2].packets_in = 0;
	return &facts->paths[2];
}

/* --- faults --- */

static void nothing(struct doctor_facts *facts) { (void)facts; }
static void no_daemon(struct doctor_facts *facts)
{
	facts->mode = DOCTOR_OF_HOST;
	strcpy(facts->problem, "no daemon runs on this host");
}
static void bad_file(struct doctor_facts *facts) { strcpy(facts->file_problem, "coterie.conf:3: no such option"); }
static void one_id(struct doctor_facts *facts) { facts->members[2].id = facts->paths[2].nodeid = 2; }
static void one_name(struct doctor_facts *facts) { strcpy(facts->members[2].name, "n2"); }
static void one_address(struct doctor_facts *facts) { strcpy(facts->members[2].resolved[0], "10.0.0.2"); }
static void no_self(struct doctor_facts *facts) { facts->self = 9; }
static void no_name(struct doctor_facts *facts) { facts->members[1].resolved[0][0] = '\0'; }
static void slow_name(struct doctor_facts *facts) { facts->members[1].resolve_ms[0] = 3000; }
static void slow_resolver(struct doctor_facts *facts)
{
	no_name(facts);
	facts->members[1].resolve_ms[0] = 20000;
	facts->members[2].resolved[0][0] = '\0';
	facts->members[2].is_not_looked_up[0] = true;
}
static void loopback_name(struct doctor_facts *facts) { strcpy(facts->members[1].resolved[0], "127.0.1.1"); }
static void twin(struct doctor_facts *facts) { facts->host.other_pid = 99; }
static void cloned(struct doctor_facts *facts) { facts->paths[0].packets_in = 12; }
static void no_address(struct doctor_facts *facts) { facts->links[0].interface[0] = '\0'; }
static void interface_down(struct doctor_facts *facts) { facts->links[0].is_up = false; }
static void no_carrier(struct doctor_facts *facts) { facts->links[0].has_carrier = false; }
static void duplicate_own(struct doctor_facts *facts) { facts->links[0].duplicate_macs = 1; }
static void duplicate_other(struct doctor_facts *facts) { facts->paths[1].duplicate_macs = 2; }
static void unlisted(struct doctor_facts *facts) { strcpy(facts->links[0].unlisted, "10.0.0.9"); }
static void bulk(struct doctor_facts *facts) { facts->links[0].rx_bytes = 150000000; }

static void port_taken(struct doctor_facts *facts)
{
	facts->mode = DOCTOR_OF_FILE;
	facts->links[0].is_port_taken = true;
}
static void port_of_our_daemon(struct doctor_facts *facts)
{
	port_taken(facts);
	facts->is_running = true;
}
static void host_dead(struct doctor_facts *facts)
{
	part(facts)->icmp = DOCTOR_SILENT;
	facts->paths[2].tcp = DOCTOR_SILENT;
	facts->paths[2].received = 0;
	facts->paths[2].mtu_passed = DOCTOR_UNKNOWN;
	facts->paths[2].has_clock = false;
}
static void daemon_down(struct doctor_facts *facts) { part(facts)->tcp = DOCTOR_REFUSES; }
/* Without a tripwire every host refuses TCP, whether a daemon runs there or not. */
static void daemon_without_tripwire(struct doctor_facts *facts)
{
	daemon_down(facts);
	set(&facts->config, "totem.tripwire", "no");
}
static void no_daemon_twice(struct doctor_facts *facts)
{
	no_daemon(facts);
	daemon_down(facts);
}
static void first_start(struct doctor_facts *facts)
{
	facts->mode = DOCTOR_OF_FILE;
	daemon_down(facts);
}
static void other_key(struct doctor_facts *facts)
{
	part(facts)->packets_in = 30;
	set(&facts->stats, "stats.coterie.strangers", "3-key");
}
static void other_clear(struct doctor_facts *facts)
{
	part(facts)->packets_in = 30;
	set(&facts->stats, "stats.coterie.strangers", "2x 3-clear");
	set(&facts->stats, "stats.coterie.strangers", "3-clear");
}
static void filtered_here(struct doctor_facts *facts) { part(facts)->packets_in = 30; }
static void filtered_there(struct doctor_facts *facts) { part(facts); }
static void rejected(struct doctor_facts *facts) { part(facts)->udp = DOCTOR_REFUSES; }
static void prohibited(struct doctor_facts *facts) { part(facts)->udp = DOCTOR_FORBIDS; }
static void nothing_leaves(struct doctor_facts *facts)
{
	part(facts)->packets_out = 0;
	facts->members[1].is_joined = facts->members[1].was_joined = false;
	facts->paths[1] = facts->paths[2];
	facts->paths[1].nodeid = 2;
}
static void one_way(struct doctor_facts *facts)
{
	part(facts)->packets_in = 30;
	facts->paths[2].heard_ms = 100;
}
static void one_way_sealed(struct doctor_facts *facts)
{
	part(facts)->packets_in = 30;
	set(&facts->stats_before, "stats.coterie.datagrams_unknown", "10");
	set(&facts->stats, "stats.coterie.datagrams_unknown", "40");
}
static void knet(struct doctor_facts *facts)
{
	set(&facts->config, "totem.transport", "knet");
	set(&facts->file, "totem.transport", "knet");
	part(facts)->packets_in = 30;
}
static void knet_key(struct doctor_facts *facts)
{
	knet(facts);
	facts->host.datagrams_in = 70;
}
static void knet_filter(struct doctor_facts *facts)
{
	knet(facts);
	facts->host.datagrams_in = 40;
}
static void unheard(struct doctor_facts *facts) { set(&facts->stats, "stats.coterie.unheard", "2-3"); }
static void young(struct doctor_facts *facts)
{
	one_way(facts);
	set(&facts->stats, "stats.coterie.uptime_ms", "2000");
}
static void other_group(struct doctor_facts *facts)
{
	part(facts);
	strcpy(facts->links[0].group, "239.192.1.1");
	strcpy(facts->links[0].foreign_group, "239.192.2.2");
	facts->links[0].foreign_node = 3;
}
static void no_tcp(struct doctor_facts *facts) { facts->paths[1].tcp = DOCTOR_SILENT; }
static void no_tripwire(struct doctor_facts *facts)
{
	no_tcp(facts);
	set(&facts->config, "totem.tripwire", "no");
}
static void no_icmp(struct doctor_facts *facts)
{
	facts->paths[1].icmp = DOCTOR_SILENT;
	facts->paths[1].received = 0;
	facts->paths[1].mtu_passed = DOCTOR_UNKNOWN;
}
static void black_hole(struct doctor_facts *facts)
{
	facts->paths[1].mtu_passed = 1400;
	facts->paths[1].mtu_failed = 1401;
}
static void reported_mtu(struct doctor_facts *facts)
{
	black_hole(facts);
	facts->paths[1].mtu_reported = 1400;
}
static void fragments(struct doctor_facts *facts) { facts->paths[1].mtu_back = 1396; }
static void some_loss(struct doctor_facts *facts) { facts->paths[1].received = 196; }
static void much_loss(struct doctor_facts *facts) { facts->paths[1].received = 180; }
static void one_lost(struct doctor_facts *facts) { facts->paths[1].received = 199; }
static void slow(struct doctor_facts *facts) { facts->paths[1].rtt_p99_us = 250000; }
static void very_slow(struct doctor_facts *facts) { facts->paths[1].rtt_p99_us = 900000; }
static void clock_off(struct doctor_facts *facts) { facts->paths[1].clock_ms = -5000; }
static void clock_far_off(struct doctor_facts *facts) { facts->paths[1].clock_ms = 3600000; }
static void no_quorum(struct doctor_facts *facts) { set(&facts->stats, "stats.quorate", "0"); }
static void expected(struct doctor_facts *facts) { set(&facts->config, "quorum.expected_votes", "7"); }
static void expected_device(struct doctor_facts *facts)
{
	expected(facts);
	set(&facts->config, "quorum.device.model", "net");
}
static void no_votes(struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->member_count; i++)
		facts->members[i].votes = 0;
}
static void two(struct doctor_facts *facts) { facts->member_count = facts->path_count = 2; }
static void two_node(struct doctor_facts *facts)
{
	two(facts);
	set(&facts->config, "quorum.two_node", "1");
}
static void two_node_hasty(struct doctor_facts *facts)
{
	two_node(facts);
	set(&facts->config, "quorum.wait_for_all", "0");
}
static void two_unequal(struct doctor_facts *facts)
{
	two(facts);
	facts->members[0].votes = 2;
}
static void two_node_of_three(struct doctor_facts *facts) { set(&facts->config, "quorum.two_node", "1"); }
static void unsettled(struct doctor_facts *facts)
{
	set(&facts->stats_before, "stats.srp.gather_entered", "10");
	set(&facts->stats, "stats.srp.gather_entered", "15");
}
static void lost_tokens(struct doctor_facts *facts)
{
	set(&facts->stats, "stats.coterie.ring.changes.token_lost", "12");
}
static void slow_rotations(struct doctor_facts *facts)
{
	set(&facts->stats, "stats.coterie.times.token_rotation.02.count", "900");
	set(&facts->stats, "stats.coterie.times.token_rotation.max_us", "2600000");
}
static void late_tokens(struct doctor_facts *facts) { set(&facts->stats, "stats.coterie.ring.token_warnings", "5"); }
static void retransmits(struct doctor_facts *facts)
{
	set(&facts->stats, "stats.srp.mcast_tx", "20000");
	set(&facts->stats, "stats.srp.mcast_retx", "900");
}
static void late(struct doctor_facts *facts)
{
	set(&facts->stats, "stats.coterie.scheduler.late", "2");
	set(&facts->stats, "stats.schedmiss.0.delay", "2600.5");
}
static void slow_plugin(struct doctor_facts *facts)
{
	late(facts);
	set(&facts->stats, "stats.plugins.slow.overruns", "3");
	set(&facts->stats, "stats.plugins.slow.overrun_ms_max", "2500");
}
static void quota(struct doctor_facts *facts)
{
	late(facts);
	facts->host.throttled_ms = 5000;
}
static void no_realtime(struct doctor_facts *facts) { facts->host.policy = SCHED_OTHER; }
static void ordinary_by_config(struct doctor_facts *facts)
{
	no_realtime(facts);
	set(&facts->config, "system.sched_rr", "no");
}
static void throttled(struct doctor_facts *facts) { facts->host.rt_runtime_us = 500000; }
static void rt_unlimited(struct doctor_facts *facts) { facts->host.rt_runtime_us = -1; }
static void unlocked(struct doctor_facts *facts) { facts->host.locked = 0; }
static void keys_locked(struct doctor_facts *facts) { facts->host.locked = 65536; }
static void small_buffer(struct doctor_facts *facts) { facts->host.receive_buffer = 212992; }
static void drops(struct doctor_facts *facts) { facts->host.drops = 5; }
static void few_files(struct doctor_facts *facts) { facts->host.fds_max = 256; }
static void files_used(struct doctor_facts *facts)
{
	facts->host.fds_max = 1024;
	facts->host.fds_open = 1020;
}
static void disk_full(struct doctor_facts *facts) { facts->host.state_free = 4096; }
static void disk_low(struct doctor_facts *facts) { facts->host.state_free = 5000000; }
static void no_inodes(struct doctor_facts *facts) { facts->host.state_files_free = 0; }
static void read_only(struct doctor_facts *facts) { facts->host.is_state_read_only = true; }
static void foreign_folder(struct doctor_facts *facts) { facts->host.is_state_writable = false; }
static void no_folder(struct doctor_facts *facts) { facts->host.state_errno = ENOENT; }
static void shm_full(struct doctor_facts *facts) { facts->host.shm_free = 4096; }
static void old_knet(struct doctor_facts *facts)
{
	set(&facts->config, "totem.transport", "knet");
	set(&facts->file, "totem.transport", "knet");
	facts->host.knet_version = "1.25-1";
}
static void mended_knet(struct doctor_facts *facts)
{
	old_knet(facts);
	facts->host.is_knet_mended = true;
}
static void old_qb(struct doctor_facts *facts) { facts->host.qb_version = "1.0.3-2"; }
static void corosync_runs(struct doctor_facts *facts) { facts->host.corosync_pid = 12; }
static void corosync_itself(struct doctor_facts *facts)
{
	corosync_runs(facts);
	set(&facts->stats, "stats.coterie.version", "");
	free(facts->stats.list[1].name);
	facts->stats.list[1].name = strdup("stats.other");
	set(&facts->stats, "stats.coterie.scheduler.late", "0");
}
static void corosync_enabled(struct doctor_facts *facts) { facts->host.is_corosync_enabled = true; }
static void open_key(struct doctor_facts *facts) { facts->host.key_mode = 0644; }
static void short_key(struct doctor_facts *facts) { facts->host.key_size = 64; }
static void no_key(struct doctor_facts *facts) { facts->host.key_errno = ENOENT; }
static void newer_key(struct doctor_facts *facts)
{
	set(&facts->stats, "stats.coterie.key_file_newer", "/etc/coterie/authkey");
}
static void plain(struct doctor_facts *facts)
{
	set(&facts->config, "totem.encryption", "none");
	set(&facts->stats, "stats.coterie.encryption", "none 0000");
}
static void plain_loopback(struct doctor_facts *facts)
{
	plain(facts);
	for (size_t i = 0; i < facts->member_count; i++)
		snprintf(facts->members[i].resolved[0], DOCTOR_ADDRESS_SIZE, "127.0.0.%zu", i + 1);
}
static void changed_file(struct doctor_facts *facts) { set(&facts->file, "totem.token", "5000"); }

static struct doctor_node *ask(struct doctor_facts *facts)
{
	facts->nodes = calloc(1, sizeof(*facts->nodes));
	facts->node_count = 1;
	facts->nodes[0] = (struct doctor_node){.id = 2, .is_asked = true};
	for (size_t i = 0; i < facts->config.count; i++)
		set(&facts->nodes[0].config, facts->config.list[i].name, facts->config.list[i].value);
	set(&facts->nodes[0].stats, "stats.coterie.version", "0.1.0");
	return &facts->nodes[0];
}
static void same_settings(struct doctor_facts *facts) { ask(facts); }
static void other_settings(struct doctor_facts *facts) { set(&ask(facts)->config, "totem.token", "9000"); }
static void other_name(struct doctor_facts *facts) { set(&ask(facts)->config, "totem.cluster_name", "lap"); }
static void other_version(struct doctor_facts *facts) { set(&ask(facts)->stats, "stats.coterie.version", "0.2.0"); }
static void other_config_version(struct doctor_facts *facts)
{
	set(&facts->config, "totem.config_version", "4");
	set(&facts->config, "runtime.members.2.config_version", "3");
}
static void unasked(struct doctor_facts *facts) { ask(facts)->is_asked = false; }

static const struct row {
	const char *name;
	void (*spoil)(struct doctor_facts *facts);
	const char *found;  /* "ID LEVEL", with ", " between */
	const char *remedy; /* part of the first finding's remedy; NULL: not checked */
} rows[] = {
	{"a healthy node has no finding", nothing, "", NULL},
	{"no daemon", no_daemon, "daemon.running error", "systemctl start coterie"},
	{"a file that is refused", bad_file, "config.valid error", "coterie -t"},
	{"two nodes with one id", one_id, "config.node_ids error", "id and a name of its own"},
	{"two nodes with one name", one_name, "config.node_ids error", NULL},
	{"two nodes with one address", one_address, "config.addresses error", "address of its own"},
	{"no node is this host", no_self, "config.addresses error", "--node"},
	{"a name without address", no_name, "config.names error", "/etc/hosts"},
	{"a slow name", slow_name, "config.names warning", "/etc/hosts"},
	{"a resolver that does not answer: one finding", slow_resolver, "config.names error", "/etc/hosts"},
	{"a name of the loopback", loopback_name, "config.names error", "network of the ring"},
	{"a second daemon of this node", twin, "daemon.identity error", "end process 99"},
	{"a copy of this machine", cloned, "daemon.identity error", "stop the copy"},
	{"no interface has the address", no_address, "net.interface error", "ip address add 10.0.0.1"},
	{"the interface is down", interface_down, "net.interface error", "ip link set eth0 up"},
	{"the interface has no carrier", no_carrier, "net.interface error", "cable"},
	{"the port is taken", port_taken, "net.port error", "ss -lunp"},
	{"our daemon has the port, and a file is judged", port_of_our_daemon, "", NULL},
	{"another host has our address", duplicate_own, "net.duplicate error", "another address"},
	{"two hosts have a node's address", duplicate_other, "net.duplicate warning", "another address"},
	{"a host that is not listed", unlisted, "net.unlisted warning", "node list"},
	{"bulk traffic", bulk, "net.shared warning", "network of its own"},
	{"a dead host", host_dead, "net.unreachable error", "cables"},
	{"a stopped daemon", daemon_down, "member.down warning", "systemctl start coterie"},
	{"a daemon without tripwire whose packets are filtered", daemon_without_tripwire, "net.udp error",
		"firewall of node 3"},
	{"two stopped daemons", no_daemon_twice, "daemon.running error, member.down warning", NULL},
	{"before the first start others may be down", first_start, "", NULL},
	{"another key", other_key, "key.mismatch error", "copy the key file"},
	{"a node in clear", other_clear, "key.mismatch error", "give it the key file"},
	{"a filter on this host", filtered_here, "net.udp error", "firewall of this host"},
	{"a filter on the other host", filtered_there, "net.udp error", "firewall of node 3"},
	{"a filter that rejects", rejected, "net.udp error", "firewall of node 3"},
	{"a filter that prohibits", prohibited, "net.udp error", "firewall of node 3"},
	{"a filter for what goes out", nothing_leaves, "net.udp error", "outgoing UDP"},
	{"a one-way path", one_way, "net.one_way error", "firewall of node 3"},
	{"a one-way path of an encrypted ring", one_way_sealed, "net.one_way error", "firewall of node 3"},
	{"another key with knet", knet_key, "key.mismatch error", "copy the key file"},
	{"a filter with knet", knet_filter, "net.udp error", "firewall of this host"},
	{"two others do not hear each other", unheard, "net.one_way error", "both"},
	{"a ring that is just forming", young, "", NULL},
	{"another multicast group", other_group, "config.cluster_name error", "cluster name"},
	{"TCP is filtered", no_tcp, "net.tcp warning", "allow TCP port 5405"},
	{"TCP is filtered and not used", no_tripwire, "", NULL},
	{"ICMP is filtered", no_icmp, "net.icmp warning", "allow ICMP"},
	{"a black hole", black_hole, "net.mtu error", "netmtu = 1400"},
	{"a small path MTU that is reported", reported_mtu, "net.mtu warning", "netmtu = 1400"},
	{"fragments on the way back", fragments, "net.mtu warning", "netmtu = 1396"},
	{"some loss", some_loss, "net.loss warning", "ip -s link"},
	{"much loss", much_loss, "net.loss error", "ip -s link"},
	{"one lost packet", one_lost, "", NULL},
	{"a slow path", slow, "net.latency warning", "token = 3800ms"},
	{"a very slow path", very_slow, "net.latency error", "token = 13500ms"},
	{"a clock that is off", clock_off, "host.clock warning", "time server"},
	{"a clock that is far off", clock_far_off, "host.clock error", "time server"},
	{"no quorum", no_quorum, "quorum.lost error", "bring nodes back"},
	{"expected votes that nobody has", expected, "quorum.expected error", "or set it to 3"},
	{"expected votes with a device", expected_device, "", NULL},
	{"no votes", no_votes, "quorum.expected error", "give nodes votes"},
	{"two nodes without two-node", two, "quorum.two_nodes warning", "two-node = yes"},
	{"two nodes of which one has a majority", two_unequal, "", NULL},
	{"two nodes with two-node", two_node, "", NULL},
	{"two nodes that do not wait", two_node_hasty, "quorum.two_nodes warning", "wait-for-all"},
	{"two-node of three", two_node_of_three, "quorum.two_nodes warning", "remove two-node"},
	{"a ring that does not settle", unsettled, "ring.unstable error", NULL},
	{"a ring that loses tokens", lost_tokens, "ring.unstable warning", NULL},
	{"slow rotations", slow_rotations, "token.short warning", "token = 5200ms"},
	{"late tokens", late_tokens, "token.short warning", "token = 4500ms"},
	{"retransmits", retransmits, "token.retransmits warning", NULL},
	{"a pause without a cause", late, "daemon.late warning", "snapshots"},
	{"a slow plugin", slow_plugin, "daemon.late warning", "unload plugin slow"},
	{"a processor quota", quota, "daemon.late warning", "CPUQuota"},
	{"no real-time priority", no_realtime, "daemon.realtime warning", "CPUSchedulingPolicy=rr"},
	{"no real-time priority by config", ordinary_by_config, "", NULL},
	{"real time is throttled", throttled, "daemon.throttling warning", "sched_rt_runtime_us=950000"},
	{"real time without limit", rt_unlimited, "", NULL},
	{"memory is not locked", unlocked, "daemon.memory warning", "LimitMEMLOCK"},
	{"keys alone are locked", keys_locked, "daemon.memory warning", "LimitMEMLOCK"},
	{"a small receive buffer", small_buffer, "host.buffers warning", "net.core.rmem_max=4194304"},
	{"a receive buffer that overflows", drops, "host.buffers warning", "net.core.rmem_max"},
	{"few descriptors", few_files, "host.descriptors warning", "LimitNOFILE"},
	{"descriptors are used up", files_used, "host.descriptors error", "LimitNOFILE"},
	{"a full disk", disk_full, "host.state error", "free space"},
	{"a nearly full disk", disk_low, "host.state warning", "free space"},
	{"no room for files", no_inodes, "host.state error", "free space"},
	{"a read-only disk", read_only, "host.state error", "mount it for writing"},
	{"a folder of another user", foreign_folder, "host.state error", "chown"},
	{"no state folder", no_folder, "host.state error", "make the folder"},
	{"full shared memory", shm_full, "host.shm error", "/dev/shm"},
	{"an old libknet", old_knet, "host.libraries warning", "libknet 1.35"},
	{"an old libknet that is mended", mended_knet, "", NULL},
	{"an old libqb", old_qb, "host.libraries warning", "libqb 1.0.5"},
	{"Corosync runs", corosync_runs, "host.corosync error", "disable --now corosync"},
	{"the daemon is Corosync", corosync_itself, "", NULL},
	{"Corosync is enabled", corosync_enabled, "host.corosync warning", "disable corosync"},
	{"a key that others can read", open_key, "config.key_file error", "chmod 0400"},
	{"a short key", short_key, "config.key_file error", "key create"},
	{"no key file", no_key, "config.key_file error", "copy the key file"},
	{"a newer key", newer_key, "config.key_file warning", "remove one"},
	{"a plain ring", plain, "config.plain warning", "key create"},
	{"a plain ring of the loopback", plain_loopback, "", NULL},
	{"a file that was changed", changed_file, "config.reload warning", "coterie-ctl reload"},
	{"nodes with the same settings", same_settings, "", NULL},
	{"a node with other settings", other_settings, "config.same warning", "copy one config file"},
	{"a node with another cluster name", other_name, "config.cluster_name error", "one name"},
	{"a node with another version", other_version, "daemon.version info", "one version"},
	{"a node with another config version", other_config_version, "config.same warning", "copy the newer file"},
	{"a node that is not asked", unasked, "", NULL},
};

static void judge_all(const struct doctor_facts *facts, struct doctor_report *report)
{
	*report = (struct doctor_report){0};
	for (const struct doctor_check *check = doctor_checks(); check->id != NULL; check++)
		doctor_judge_one(facts, check, report);
	doctor_sort(report);
}

START_TEST(each_fault_has_the_finding_that_names_it)
{
	static const char *const levels[] = {"info", "warning", "error"};
	const struct row *row = &rows[_i];
	struct doctor_facts facts;
	struct doctor_report report;
	char found[1024] = "";

	fill(&facts);
	row->spoil(&facts);
	judge_all(&facts, &report);
	for (size_t i = 0; i < report.finding_count; i++) {
		const struct doctor_finding *finding = &report.findings[i];
		char one[128];

		snprintf(one, sizeof(one), "%s%s %s", i > 0 ? ", " : "", finding->check->id, levels[finding->level]);
		strcat(found, one);
		ck_assert_msg(finding->text[0] != '\0' && finding->evidence[0] != '\0' && finding->remedy[0] != '\0' &&
				      finding->check->page[0] != '\0',
			"%s: %s lacks something", row->name, finding->check->id);
	}
	ck_assert_msg(strcmp(found, row->found) == 0, "%s: '%s', not '%s'", row->name, found, row->found);
	if (row->remedy != NULL)
		ck_assert_msg(strstr(report.findings[0].remedy, row->remedy) != NULL, "%s: remedy '%s'", row->name,
			report.findings[0].remedy);
	doctor_report_fini(&report);
	doctor_facts_fini(&facts);
}
END_TEST

START_TEST(what_is_unknown_is_named_and_is_no_finding)
{
	struct doctor_facts facts;
	struct doctor_report report;
	size_t checks = 0;

	doctor_facts_init(&facts);
	judge_all(&facts, &report);
	for (const struct doctor_check *check = doctor_checks(); check->id != NULL; check++)
		checks++;
	ck_assert_uint_eq(report.finding_count, 0);
	ck_assert_uint_ge(report.gap_count, 10);
	ck_assert_uint_lt(report.check_count, checks);
	for (size_t i = 0; i < report.gap_count; i++)
		ck_assert_msg(report.gaps[i].why[0] != '\0', "%s", report.gaps[i].check->id);
	doctor_report_fini(&report);
	doctor_facts_fini(&facts);
}
END_TEST

START_TEST(the_worst_findings_come_first)
{
	struct doctor_facts facts;
	struct doctor_report report;

	fill(&facts);
	plain(&facts);
	unlocked(&facts);
	other_version(&facts);
	disk_full(&facts);
	judge_all(&facts, &report);
	ck_assert_uint_eq(report.finding_count, 4);
	ck_assert_str_eq(report.findings[0].check->id, "host.state");
	ck_assert_str_eq(report.findings[1].check->id, "daemon.memory");
	ck_assert_str_eq(report.findings[2].check->id, "config.plain");
	ck_assert_str_eq(report.findings[3].check->id, "daemon.version");
	doctor_report_fini(&report);
	doctor_facts_fini(&facts);
}
END_TEST

START_TEST(lists_of_nodes_are_read_to_the_first_malformed_one)
{
	char word[16];

	ck_assert(doctor_word_of("2-key 3-clear", 3, word));
	ck_assert_str_eq(word, "clear");
	ck_assert(!doctor_word_of("2-key 3-clear", 4, word));
	ck_assert(!doctor_word_of("x-key 3-clear", 3, word));
	ck_assert(!doctor_word_of("", 3, word));
	ck_assert(!doctor_word_of(NULL, 3, word));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tests = tcase_create("judges");

	tcase_add_loop_test(tests, each_fault_has_the_finding_that_names_it, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tests, what_is_unknown_is_named_and_is_no_finding);
	tcase_add_test(tests, the_worst_findings_come_first);
	tcase_add_test(tests, lists_of_nodes_are_read_to_the_first_malformed_one);
	suite_add_tcase(suite, tests);
	return suite_run_together(suite);
}
