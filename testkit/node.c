/* SPDX-License-Identifier: BSD-3-Clause */
/* A node: an executive with config, plugins and files. This file starts it, runs its turns, and ends it. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/ipc/ipc_server.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_options.h"
#include "exec/ring/ring.h"
#include "exec/ring/state_dir.h"
#include "exec/sync/delivery.h"
#include "exec/sync/sync.h"
#include "testkit/kit.h"

#define ADDRESS "127.77.0.%u"
#define NOWHERE "/dev/null/crashed" /* a path below which no file can be stored */

/* ---------------------------------------------------------------------------------------- config */

static void write_plugin(FILE *out, const char *kind, const struct kit_plugin *plugin)
{
	fprintf(out, "%s {\n\tname: %s\n", kind, plugin->name);
	for (char **option = plugin->options; *option != NULL; option++) {
		int length = (int)strcspn(*option, "=");

		fprintf(out, "\t%.*s: %s\n", length, *option, (*option)[length] == '=' ? *option + length + 1 : "");
	}
	fputs("}\n", out);
}

static const char *transport_name(const struct testkit *kit)
{
	return kit->transport != NULL ? kit->transport->name : "testnet";
}

static char *config_text(const struct kit_node *node)
{
	const struct testkit *kit = node->kit;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	fprintf(out, "totem {\n\tversion: 2\n\tcluster_name: testkit\n\ttransport: %s\n}\nnodelist {\n",
		transport_name(kit));
	for (uint32_t i = 0; i < kit->node_count; i++)
		fprintf(out, "\tnode {\n\t\tname: node%u\n\t\tnodeid: %u\n\t\tring0_addr: " ADDRESS "\n\t}\n", i + 1,
			kit->nodes[i].nodeid, i + 1);
	fputs("}\n", out);
	for (const struct kit_plugin *plugin = node->plugins; plugin != NULL; plugin = plugin->next)
		write_plugin(out, "service", plugin);
	if (kit->transport != NULL)
		write_plugin(out, "transport", kit->transport);
	fputs(kit->config, out);
	fclose(out);
	if (text == NULL)
		abort();
	return text;
}

static int resolve_nothing(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	(void)arg, (void)name, (void)family, (void)address;
	return -ENOENT;
}

static bool is_own_address(void *arg, const struct sockaddr *address)
{
	const struct kit_node *node = arg;
	const struct sockaddr_in *in = (const void *)address;
	char own[INET_ADDRSTRLEN], text[INET_ADDRSTRLEN];

	snprintf(own, sizeof(own), ADDRESS, node->id);
	return address->sa_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)) != NULL &&
	       strcmp(own, text) == 0;
}

static int find_transport(void *arg, const char *name, char *text, size_t size)
{
	const struct kit_node *node = arg;

	if (strcmp(name, transport_name(node->kit)) == 0)
		return 0;
	snprintf(text, size, "the test kit chooses the transport: see testkit_transport_file");
	return -ENOENT;
}

/* Read the configuration of a node. NULL: it is refused, and kit->error has the reason. */
static struct config *load_config(struct kit_node *node)
{
	struct config_environment environment = {
		.resolve = resolve_nothing, .is_local = is_own_address, .find_transport = find_transport, .arg = node};
	struct config_messages messages = {0};
	struct config *config = NULL;
	char *text = config_text(node);

	if (config_load_bytes("testkit", text, strlen(text), &environment, &config, &messages) < 0)
		snprintf(node->kit->error, sizeof(node->kit->error), "%s",
			messages.error_count > 0 ? messages.errors[0] : "out of memory");
	config_messages_fini(&messages);
	free(text);
	return config;
}

/* ----------------------------------------------------------------------------------------- files */

void node_remove_files(const struct kit_node *node)
{
	DIR *folder = opendir(node->state_dir);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	rmdir(node->state_dir);
}

/* Return a digest of the files that the executive stores while its loop waits. */
static uint64_t digest_files(const struct kit_node *node)
{
	DIR *folder = opendir(node->state_dir);
	struct dirent *entry;
	uint64_t digest = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		uint8_t bytes[4096];
		bool is_waited_for = strncmp(entry->d_name, "ringid_", strlen("ringid_")) == 0;
		int fd = is_waited_for ? openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC) : -1;
		ssize_t size = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : 0;
		uint64_t one = 0xCBF29CE484222325u;

		for (ssize_t i = 0; i < size; i++)
			one = (one ^ bytes[i]) * 0x100000001B3u;
		digest ^= one; /* the digest does not depend on the order of the files */
		if (fd >= 0)
			close(fd);
	}
	if (folder != NULL)
		closedir(folder);
	return digest;
}

void node_wait_for_disk(struct kit_node *node)
{
	struct coterie_ring_id ring;
	const uint32_t *members;
	uint32_t count;

	/*
	 * Reading the files costs more time than all other work. They change only together with the ring, or after its
	 * synchronisation.
	 */
	ring_membership(node->executive.ring, &ring, &members, &count);
	uint64_t place = ring.seq * 2 + sync_is_running(node->executive.sync);
	if (place == node->store_place)
		return;
	node->store_place = place;
	uint64_t digest = digest_files(node);

	if (digest != node->stores && node->stores != 0)
		testkit_pause(node->kit, node->id, node->store_ms);
	node->stores = digest;
}

static int forget(struct kit_node *node)
{
	char path[4200];

	if (node->is_up)
		return -EBUSY;
	if (node->state_dir == NULL) {
		snprintf(path, sizeof(path), "%s/%u", node->kit->folder, node->id);
		node->state_dir = kit_strdup(path);
	} else {
		node_remove_files(node);
	}
	if (mkdir(node->state_dir, 0700) < 0)
		return -errno;
	/*
	 * Without this file the daemon would search for one elsewhere on this host. A node that has been up has lost
	 * its number: 0 counts as none.
	 */
	return state_ring_seq_store(node->state_dir, node->nodeid, node->life == 0 ? node->kit->ring_seq : 0);
}

int testkit_forget(struct testkit *kit, uint32_t id)
{
	int rc = 0;

	for (uint32_t i = 0; i < kit->node_count && id == TESTKIT_ALL && rc == 0; i++)
		rc = forget(&kit->nodes[i]);
	if (id == TESTKIT_ALL)
		return rc;
	return kit_node(kit, id) == NULL ? -EINVAL : forget(kit_node(kit, id));
}

/* ----------------------------------------------------------------------------------------- start */

static int fail(struct kit_node *node, const char *text)
{
	snprintf(node->kit->error, sizeof(node->kit->error), "node %u: %s", node->id, text);
	return -EINVAL;
}

/* Load a plugin before the node's ring starts. */
static int load_one(struct kit_node *node, const struct kit_plugin *wanted)
{
	struct plugin_error error = {0};

	kit_plugin_prepare(wanted);
	struct plugin *plugin = plugin_load(node->executive.plugins, COTERIE_KIND_SERVICE, wanted->name, &error);
	if (plugin == NULL)
		return fail(node, error.text);
	executive_show(&node->executive, plugin);
	return plugin->service.ipc_name == NULL || ipc_server_open(node->executive.ipc, plugin) == 0
		       ? 0
		       : fail(node, "cannot open the plugin's IPC name");
}

static int start_ring(struct kit_node *node)
{
	static const struct kit_plugin network = {.linked = &testnet_LTX_coterie_plugin,
		.table = {{"testkit", NULL}, {"testnet.a", NULL},
			{"testnet_LTX_coterie_plugin", (void *)(uintptr_t)&testnet_LTX_coterie_plugin}, {NULL, NULL}}};
	struct plugin_error error = {0};

	kit_plugin_prepare(node->kit->transport != NULL ? node->kit->transport : &network);
	node->transport = plugin_load(
		node->executive.plugins, COTERIE_KIND_TRANSPORT, transport_name(node->kit), &error);
	if (node->transport == NULL)
		return fail(node, error.text);
	return ring_start(node->executive.ring, node->executive.config, node->transport) == 0
		       ? 0
		       : fail(node, "its ring does not start");
}

static int start_parts(struct kit_node *node)
{
	const char *folders[64];
	char text[160];
	uint32_t count = 0;
	int rc = 0;

	for (struct kit_plugin *plugin = node->plugins; plugin != NULL; plugin = plugin->next)
		if (plugin->linked == NULL && count < sizeof(folders) / sizeof(folders[0]))
			folders[count++] = plugin->folder;
	if (node->kit->transport != NULL && count < sizeof(folders) / sizeof(folders[0]))
		folders[count++] = node->kit->transport->folder;
	unsetenv("COTERIE_PLUGIN_PATH"); /* use only these files, and no other plugins of the same names */
	if (executive_create_parts(&node->executive, folders, count) != 0)
		return fail(node, "the executive does not start");
	if (node->kit->has_foreign)
		rc = foreign_load(node);
	for (struct kit_plugin *plugin = node->plugins; rc == 0 && plugin != NULL; plugin = plugin->next)
		rc = load_one(node, plugin);
	if (rc < 0)
		return rc;
	/*
	 * If the provider is not loaded, refuse to start: the node would never be quorate, and the test would not show
	 * why.
	 */
	const char *provider = node->executive.config->quorum_provider;
	if (provider != NULL && plugin_by_name(node->executive.plugins, provider) == NULL) {
		snprintf(text, sizeof(text),
			"the config names the quorum provider '%s': load it first, with testkit_load_file", provider);
		return fail(node, text);
	}
	return start_ring(node);
}

int node_start(struct kit_node *node)
{
	node->kit->error[0] = '\0';
	if (node->is_up)
		return -EALREADY;
	executive_init(&node->executive);
	node->executive.nodeid = node->nodeid;
	node->executive.first_seq = node->kit->frame_seq;
	node->executive.features_missing = node->features_missing;
	if (node->deliver_frames > 0)
		node->executive.deliver_frames = node->deliver_frames;
	node->executive.state_dir = node->state_dir;
	node->executive.config = load_config(node);
	if (node->executive.config == NULL)
		return -EINVAL;
	node->executive.plugin_host = kit_host();
	node->executive.random_seed = random_next(&node->kit->random) | 1;
	node->executive.loop = kit_loop_create(node);
	node->life++;
	node->is_up = true;
	node->is_dying = node->is_off_by_chaos = false;
	node->is_woken = false; /* the last life may have planned its turn for the end of a pause */
	node->effects = node->crash_at = node->resume_ns = 0;
	kit_disturb(node->kit);
	struct kit_node *outer = kit_enter(node);
	int rc = start_parts(node);
	if (rc < 0)
		node->is_dying = true; /* kit_leave will destroy the node */
	kit_leave(node, outer);
	return rc;
}

/* Load a plugin beside the running ring. A file is opened by its path, since the list of folders cannot change now. */
static int load_anew(struct kit_node *node, const struct kit_plugin *wanted, plugin_life_done done, void *arg)
{
	struct plugin_error error = {0};

	kit_plugin_prepare(wanted);
	struct plugin *plugin = plugin_load_anew(
		node->executive.plugins, wanted->path != NULL ? wanted->path : wanted->name, NULL, NULL, NULL, &error);
	if (plugin == NULL)
		return fail(node, error.text);
	executive_show(&node->executive, plugin);
	return plugin_life_join(node->executive.life, arg, plugin, done, arg);
}

int node_load(struct kit_node *node, const struct kit_plugin *wanted, plugin_life_done done, void *arg)
{
	struct kit_node *outer = kit_enter(node);
	struct config *config = load_config(node), *running = node->executive.config;
	int rc = config == NULL ? -EINVAL : 0;

	if (rc == 0) {
		node->executive.config = config; /* the plugin's options are read only while it is loaded */
		rc = load_anew(node, wanted, done, arg);
		node->executive.config = running;
	}
	config_destroy(config);
	kit_leave(node, outer);
	return rc;
}

/* ----------------------------------------------------------------------------------------- turns */

/* Return whether the packet is lost because the socket is full. The kernel keeps the packets that fit. */
static bool is_overflowing(const struct kit_node *node, const struct packet *packet)
{
	uint32_t room = node->kit->inbox_bytes_max;

	bool is_full = room != 0 && node->inbox_bytes > 0 && node->inbox_bytes + packet->size > room;

	node->kit->overflows += is_full;
	return is_full;
}

void node_packet(struct kit_node *node, struct packet *packet)
{
	if (!node->is_up)
		net_refuse(&node->kit->net, packet, node->index);
	/* The node gets its own packets through memory, so drop them here. */
	if (!node->is_up || packet->from == node->index || node->inbox_count == KIT_INBOX ||
		is_overflowing(node, packet) || kit_loop_is_suspended(node)) {
		packet_unref(packet);
		return;
	}
	node->inbox_bytes += packet->size;
	node->inbox[node->inbox_count++] = packet;
	kit_wake(node);
}

void node_refused(struct kit_node *node, struct packet *packet, uint32_t by)
{
	if (node->is_up && packet->life == node->life && node->resume_ns <= node->kit->clock.now_ns) {
		struct kit_node *outer = kit_enter(node);

		transport_refused(node, packet, by);
		kit_leave(node, outer);
	}
	packet_unref(packet);
}

void node_closed(struct kit_node *node, uint32_t by)
{
	if (!node->is_up || node->resume_ns > node->kit->clock.now_ns)
		return;
	struct kit_node *outer = kit_enter(node);

	transport_closed(node, by);
	kit_leave(node, outer);
}

void node_turn(struct kit_node *node)
{
	struct packet *packets[KIT_INBOX];
	uint32_t count = node->inbox_count;

	node->is_woken = false;
	if (!node->is_up)
		return;
	if (node->resume_ns > node->kit->clock.now_ns) {
		kit_wake(node);
		return;
	}
	memcpy(packets, node->inbox, count * sizeof(packets[0]));
	node->inbox_count = node->inbox_bytes = 0;
	struct kit_node *outer = kit_enter(node);
	kit_loop_posts(node->executive.loop);
	if (count > 0)
		transport_arrive(node, packets, count);
	kit_loop_serve(node->executive.loop);
	kit_leave(node, outer);
	for (uint32_t i = 0; i < count; i++)
		packet_unref(packets[i]);
}

/* ------------------------------------------------------------------------------------------- end */

void node_down(struct kit_node *node)
{
	struct kit_node *outer = kit_log_node(node);
	struct loop *loop = node->executive.loop;

	/* A node that ends without a crash stores its last files. A node that crashes does not. */
	if (node->is_dying)
		node->executive.state_dir = node->executive.host.state_dir = NOWHERE;
	node->is_dying = true;
	node->inside++; /* so that no callback of the node runs any more */
	executive_destroy_parts(&node->executive);
	node->inside--;
	/* Not earlier: services that lost their clients may have tried to send, and been refused. */
	loop_timer_del(loop, node->room_timer);
	node->room_timer = NULL;
	config_destroy(node->executive.config);
	loop_destroy(loop);
	executive_init(&node->executive);
	node->transport = NULL;
	for (uint32_t i = 0; i < node->inbox_count; i++)
		packet_unref(node->inbox[i]);
	node->inbox_count = node->inbox_bytes = 0;
	node->is_up = false;
	host_clock_resume(&node->clock, node->kit->clock.now_ns); /* its host is switched off and on */
	kit_disturb(node->kit);
	kit_log_node(outer);
}

/* ------------------------------------------------------------------- facts about a plugin */

static struct plugin *plugin_of(struct testkit *kit, uint32_t id, const char *name)
{
	const struct kit_node *node = kit_node(kit, id);

	return node != NULL && node->is_up ? plugin_by_name(node->executive.plugins, name) : NULL;
}

void *testkit_self(struct testkit *kit, uint32_t id, const char *name)
{
	const struct plugin *plugin = plugin_of(kit, id, name);

	return plugin != NULL ? plugin->self : NULL;
}

const struct coterie_host *testkit_host(struct testkit *kit, uint32_t id, const char *name, struct coterie_ctx **ctx)
{
	struct plugin *plugin = plugin_of(kit, id, name);

	*ctx = (struct coterie_ctx *)plugin;
	return plugin != NULL ? host_table() : NULL;
}

int testkit_quorum(struct testkit *kit, uint32_t id, int is_quorate)
{
	int rc = 0;

	if (id == TESTKIT_ALL) {
		for (uint32_t i = 1; i <= kit->node_count && rc == 0; i++)
			if (kit->nodes[i - 1].is_up)
				rc = testkit_quorum(kit, i, is_quorate);
		return rc;
	}
	struct kit_node *node = kit_node(kit, id);
	if (node == NULL)
		return -EINVAL;
	if (!node->is_up)
		return -ESRCH;
	if (node->executive.config->quorum_provider != NULL)
		return -EPERM;
	struct kit_node *outer = kit_enter(node);
	node->executive.is_quorate = is_quorate != 0;
	delivery_announce(node->executive.delivery, is_quorate != 0);
	ipc_gate(node->executive.ipc);
	kit_leave(node, outer);
	return 0;
}

static void keep_old(void *arg, const char *name) { (void)arg, (void)name; }

int node_reload(struct kit_node *node, const char *name)
{
	struct plugin *plugin = plugin_by_name(node->executive.plugins, name);
	struct plugin_error error = {0};
	bool has_changed = false;
	struct config *config = load_config(node);

	if (config == NULL)
		return -EINVAL;
	struct plugin_options *options = plugin_options_create(config, plugin->descriptor, &error);
	config_destroy(config);
	if (options == NULL)
		return fail(node, error.text);
	int rc = plugin_options_succeed(options, plugin->options, plugin->descriptor, &has_changed, keep_old, NULL);
	if (rc < 0) {
		plugin_options_destroy(options);
		return rc;
	}
	struct kit_node *outer = kit_enter(node);
	struct plugin_options *old = plugin->options;
	plugin->options = options;
	if (has_changed && plugin->service.reload != NULL)
		rc = plugin->service.reload(plugin->self);
	plugin_options_destroy(old);
	kit_leave(node, outer);
	return rc;
}
