/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/executive.h"

#include <time.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/daemon/map_publish.h"
#include "exec/daemon/process.h"
#include "exec/daemon/runtime_keys.h"
#include "exec/daemon/shared_tell.h"
#include "exec/daemon/stats_daemon.h"
#include "exec/host/state_writer.h"
#include "exec/ipc/ipc_server.h"
#include "exec/life/plugin_life.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/reload/rekey.h"
#include "exec/reload/reload.h"
#include "exec/reload/rotate.h"
#include "exec/ring/eviction.h"
#include "exec/ring/ring.h"
#include "exec/ring/stats_totem.h"
#include "exec/stats/stats.h"
#include "exec/sync/delivery.h"
#include "exec/sync/quorum.h"
#include "exec/sync/route.h"
#include "exec/sync/sync.h"
#include "exec/sync/writable.h"

#define EXIT_MAP 12
#define EXIT_FATAL 15
#define EXIT_STATS 22
#define EXIT_NO_MEMORY 38

#define STOP_LOOK_NS 1000000u /* how often a stop looks at the send queue, nanoseconds */
/*
 * If the queue has not become shorter for this time, the stop does not wait for it any longer: no token comes, or the
 * ring changes all the time.
 */
#define STOP_STILL_NS UINT64_C(2000000000)

/* --- functions that the ring calls --- */

static size_t on_deliver(void *arg, const struct totem_message *message)
{
	struct executive *executive = arg;
	size_t sent;

	delivery_begin(executive->delivery, message);
	ipc_fan_begin(executive->ipc, message->iov, message->count);
	route_deliver(executive->route, message);
	sent = ipc_fan_end(executive->ipc);
	delivery_end(executive->delivery);
	return sent;
}

/* Inform the parts of a configuration. Their order: docs/architecture.md, "One configuration change", 7. */
static void on_configured(void *arg, const struct totem_configuration *configuration)
{
	struct executive *executive = arg;

	ring_note_configuration(executive->ring, configuration); /* log it and count it */
	map_publish_members(executive->map, executive->config, configuration);
	departed_note(&executive->departed, configuration, executive->config, executive->map, executive->ring);
	ring_tell_transport(executive->ring, configuration);
	/* The order of these calls: book sync, "Queues". */
	delivery_configure(executive->delivery, configuration);
	route_configure(executive->route, configuration);
	sync_configure(executive->sync, configuration);
	if (configuration->is_regular)
		reload_membership(executive->reload, configuration->members, configuration->member_count);
	ipc_gate(executive->ipc);
}

/*
 * Read messages of clients when the token arrives. Other nodes may leave little of this rotation to this one. Messages
 * that still wait are counted in the token, and so give this node its share of the next rotation.
 */
static bool on_visit(void *arg)
{
	struct executive *executive = arg;

	return ipc_pull(executive->ipc);
}

static void on_lingering(void *arg)
{
	struct executive *executive = arg;

	ipc_tell(executive->ipc);
	ipc_pull_all(executive->ipc);
}

static void on_passed(void *arg)
{
	struct executive *executive = arg;

	/* before sync_passed(): a verdict about quorum is sent before the next barrier */
	delivery_passed(executive->delivery);
	if (!executive->is_withdrawn)
		sync_passed(executive->sync);
}

static void on_room(void *arg)
{
	struct executive *executive = arg;

	ipc_room(executive->ipc);
	ipc_gate(executive->ipc);
	writable_room(executive->writable);
}

static void on_refused(void *arg) { ipc_gate(((struct executive *)arg)->ipc); }

static void on_lease(void *arg) { ipc_room(((struct executive *)arg)->ipc); }

static bool needs_lease(void *arg) { return quorum_has_provider(((struct executive *)arg)->quorum); }

static uint64_t epoch_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_trace(void *arg, uint64_t now_ns, const struct totem_trace *trace)
{
	struct executive *executive = arg;

	(void)now_ns;
	if (trace->kind == TOTEM_TRACE_PAUSED)
		stats_totem_paused(executive->totem_stats, trace->value);
	else if (trace->kind == TOTEM_TRACE_EVICTED)
		eviction_list_note(executive->evictions, epoch_ms(), trace->eviction);
}

static void on_stop(void *arg, int exit_code) { executive_stop(arg, exit_code); }

/* --- functions that other parts call --- */

static void on_verdict(void *arg, const struct coterie_quorum *verdict)
{
	struct executive *executive = arg;

	executive->is_quorate = verdict->is_quorate != 0;
	delivery_decide(executive->delivery, verdict);
	if (executive->ring != NULL)
		ring_set_votes(executive->ring, verdict);
	if (executive->ipc != NULL)
		ipc_gate(executive->ipc);
}

/* Without a quorum provider the verdict is known as soon as a round begins: announce it. */
static void on_round_begun(void *arg)
{
	struct executive *executive = arg;

	if (!quorum_has_provider(executive->quorum))
		delivery_announce(executive->delivery, executive->is_quorate);
}

static void on_synchronized(void *arg)
{
	struct executive *executive = arg;

	if (!executive->has_synchronized) {
		executive->has_synchronized = true;
		ipc_ready(executive->ipc);
		process_report(executive->report_fd, 0);
		executive->report_fd = -1;
	}
	process_notify("READY=1");
	ipc_gate(executive->ipc);
	writable_room(executive->writable);
}

static const char *phase(void *arg)
{
	const struct executive *executive = arg;

	return executive->is_stopping ? "stopping" : executive->has_synchronized ? NULL : "starting";
}

static void on_dump(void *arg) { executive_dump(arg); }

/* Apply the gate again of a service that begins or ends the synchronisation of one service alone. */
static void on_held(void *arg, struct plugin *plugin)
{
	struct executive *executive = arg;

	if (plugin->ipc != NULL)
		ipc_server_gate(plugin->ipc);
	writable_room(executive->writable);
}

/* --- creating the parts --- */

static struct ring *create_ring(struct executive *executive, int *exit_code)
{
	const struct ring_parts parts = {
		.loop = executive->loop,
		.stats = executive->stats,
		.account = &executive->account,
		.state_dir = executive->state_dir,
		.random_seed = executive->random_seed,
		.first_seq = executive->first_seq,
		.features_missing = executive->features_missing,
		.deliver_frames = executive->deliver_frames,
	};
	const struct ring_listener listener = {
		.arg = executive,
		.deliver = on_deliver,
		.configured = on_configured,
		.visit = on_visit,
		.lingering = on_lingering,
		.passed = on_passed,
		.room = on_room,
		.refused = on_refused,
		.lease = on_lease,
		.needs_lease = needs_lease,
		.trace = on_trace,
		.stop = on_stop,
	};

	return ring_create(&parts, &listener, executive->config, exit_code);
}

static struct stats_daemon *create_stats_daemon(struct executive *executive)
{
	return stats_daemon_create(&(struct stats_daemon_parts){.loop = executive->loop,
		.stats = executive->stats,
		.ring = executive->ring,
		.account = &executive->account,
		.timers_late = &executive->timers_late,
		.config = &executive->config,
		.instance = executive->instance,
		.nodeid = executive->nodeid,
		.phase = phase,
		.arg = executive});
}

static struct totem_stats *create_totem_stats(struct executive *executive)
{
	return stats_totem_create(&(struct totem_stats_parts){.loop = executive->loop,
		.stats = executive->stats,
		.ring = executive->ring,
		.config = &executive->config});
}

static struct runtime_keys *create_runtime_keys(struct executive *executive)
{
	return runtime_keys_create(&(struct runtime_keys_parts){.map = executive->map,
		.ring = executive->ring,
		.state_dir = executive->state_dir,
		.dump = on_dump,
		.arg = executive});
}

static struct rekey *create_rekey(struct executive *executive)
{
	return rekey_create(&(struct rekey_parts){
		.config = &executive->config, .plugins = executive->plugins, .ring = executive->ring});
}

static struct sync *create_sync(struct executive *executive)
{
	return sync_create(&(struct sync_parts){.loop = executive->loop,
		.plugins = executive->plugins,
		.ring = executive->ring,
		.delivery = executive->delivery,
		.nodeid = executive->nodeid,
		.has_joint_turn = executive->features_missing == 0,
		.arg = executive,
		.begun = on_round_begun,
		.synchronized = on_synchronized,
		.held = on_held,
		.stop = on_stop});
}

static struct route *create_route(struct executive *executive)
{
	return route_create(&(struct route_parts){.loop = executive->loop,
		.plugins = executive->plugins,
		.ring = executive->ring,
		.delivery = executive->delivery,
		.sync = executive->sync,
		.nodeid = executive->nodeid});
}

static struct plugin_registry *create_plugins(
	struct executive *executive, const char *const *directories, uint32_t count)
{
	return plugin_registry_create(
		&(struct plugin_parts){.loop = executive->loop,
			.stats = executive->stats,
			.config = &executive->config,
			.host = executive->plugin_host != NULL ? executive->plugin_host : host_for_plugins(),
			.host_parts = &executive->host},
		directories, count);
}

static struct ipc *create_ipc(struct executive *executive)
{
	return ipc_create(&(struct ipc_parts){.loop = executive->loop,
		.map = executive->map,
		.stats = executive->stats,
		.sync = executive->sync,
		.is_quorate = &executive->is_quorate,
		.delivery = executive->delivery,
		.config = &executive->config,
		.instance = executive->instance});
}

static struct reload *create_reload(struct executive *executive)
{
	return reload_create(&(struct reload_parts){.config = &executive->config,
		.local_name = executive->local_name,
		.instance = executive->instance,
		.state_dir = executive->state_dir,
		.nodeid = executive->nodeid,
		.loop = executive->loop,
		.map = executive->map,
		.stats = executive->stats,
		.plugins = executive->plugins,
		.life = executive->life,
		.quorum = executive->quorum,
		.rekey = executive->rekey,
		.ring = executive->ring,
		.prepare_crypto = executive->prepare_crypto});
}

static struct rotate *create_rotate(struct executive *executive)
{
	return rotate_create(&(struct rotate_parts){.loop = executive->loop,
		.config = &executive->config,
		.state_dir = executive->state_dir,
		.reload = executive->reload,
		.ring = executive->ring});
}

static void show_plugin(void *arg, struct plugin *plugin) { executive_show(arg, plugin); }

static void conceal_plugin(void *arg, struct plugin *plugin) { executive_conceal(arg, plugin); }

static struct plugin_life *create_life(struct executive *executive)
{
	return plugin_life_create(&(struct plugin_life_parts){.loop = executive->loop,
		.plugins = executive->plugins,
		.ipc = executive->ipc,
		.quorum = executive->quorum,
		.sync = executive->sync,
		.config = &executive->config,
		.program = executive->program,
		.is_stopping = &executive->is_stopping,
		.show = show_plugin,
		.conceal = conceal_plugin,
		.arg = executive});
}

/* A service stops the daemon. What the services behind it would send in a synchronisation must not count. */
static void on_service_stop(void *arg)
{
	struct executive *executive = arg;

	executive->is_withdrawn = sync_is_running(executive->sync);
	executive_stop(executive, 0);
}

static void die(void *arg, int exit_status) { executive_die(arg, exit_status); }

/* Fill in the parts that the host table uses. Call this when all parts exist, before a plugin is loaded. */
static void give_host(struct executive *executive)
{
	executive->host = (struct host_parts){.loop = executive->loop,
		.map = executive->map,
		.stats = executive->stats,
		.config = &executive->config,
		.state_dir = executive->state_dir,
		.state_writer = executive->state_writer,
		.nodeid = executive->nodeid,
		.is_quorate = &executive->is_quorate,
		.quorum = executive->quorum,
		.rekey = executive->rekey,
		.route = executive->route,
		.delivery = executive->delivery,
		.sync = executive->sync,
		.ring = executive->ring,
		.ipc = executive->ipc,
		.reload = executive->reload,
		.rotate = executive->rotate,
		.life = executive->life,
		.stop = on_service_stop,
		.die = die,
		.arg = executive};
}

void executive_init(struct executive *executive)
{
	*executive = (struct executive){.report_fd = -1, .deliver_frames = TOTEM_DELIVER_FRAMES};
}

/* Return whether plugins may get the ring's key, if it has one. */
static bool prepare_crypto(struct executive *executive)
{
	char error[512];

	if (executive->config->key == NULL || executive->prepare_crypto == NULL ||
		executive->prepare_crypto(error, sizeof(error)) == 0)
		return true;
	log_line("MAIN", LOG_ERR, "%s", error);
	return false;
}

int executive_create_parts(struct executive *executive, const char *const *directories, uint32_t count)
{
	int exit_code = 0;

	executive->map = map_create();
	if (executive->map == NULL || config_publish(executive->config, executive->map) < 0) {
		log_line("MAIN", LOG_ERR, "cannot create the configuration map: out of memory");
		return EXIT_MAP;
	}
	executive->stats = stats_create(executive->loop);
	if (executive->stats == NULL) {
		log_line("MAIN", LOG_ERR, "cannot create the statistics map: out of memory");
		return EXIT_STATS;
	}
	if (!prepare_crypto(executive))
		return EXIT_FATAL;
	rotate_look(executive->config, executive->state_dir);
	executive->ring = create_ring(executive, &exit_code);
	if (executive->ring == NULL)
		return exit_code;
	executive->stats_daemon = create_stats_daemon(executive);
	if (executive->stats_daemon == NULL) {
		log_line("MAIN", LOG_ERR, "cannot create the statistics map: out of memory");
		return EXIT_STATS;
	}
	executive->state_writer = state_writer_create(executive->loop, executive->state_dir);
	executive->runtime_keys = create_runtime_keys(executive);
	executive->shared_tell = shared_tell_create(executive->loop, executive->map);
	executive->totem_stats = create_totem_stats(executive);
	executive->evictions = eviction_list_create(executive->stats);
	executive->quorum = quorum_create(executive->config->quorum_provider, on_verdict, executive);
	executive->is_quorate = executive->config->quorum_provider == NULL;
	executive->plugins = create_plugins(executive, directories, count);
	executive->rekey = create_rekey(executive);
	executive->delivery = delivery_create(executive->ring);
	executive->sync = create_sync(executive);
	executive->route = create_route(executive);
	executive->writable = writable_create(&(struct writable_parts){
		.loop = executive->loop, .plugins = executive->plugins, .sync = executive->sync});
	executive->ipc = create_ipc(executive);
	executive->life = create_life(executive);
	executive->reload = create_reload(executive);
	executive->rotate = create_rotate(executive);
	if (executive->runtime_keys == NULL || executive->shared_tell == NULL || executive->state_writer == NULL ||
		executive->totem_stats == NULL || executive->quorum == NULL || executive->rekey == NULL ||
		executive->plugins == NULL || executive->route == NULL || executive->delivery == NULL ||
		executive->sync == NULL || executive->writable == NULL || executive->life == NULL ||
		executive->ipc == NULL || executive->reload == NULL || executive->rotate == NULL) {
		log_line("MAIN", LOG_ERR, "out of memory");
		return EXIT_NO_MEMORY;
	}
	quorum_limit_log(executive->quorum, executive->loop);
	ipc_attach(executive->ipc, executive->ring);
	give_host(executive);
	return 0;
}

void executive_show(struct executive *executive, struct plugin *plugin)
{
	if (plugin->descriptor->kind == COTERIE_KIND_SERVICE)
		map_publish_service(executive->map, plugin);
	stats_plugin_add(executive->stats, plugin);
	writable_room(executive->writable); /* a successor may send from now on */
}

void executive_conceal(struct executive *executive, struct plugin *plugin)
{
	stats_plugin_del(executive->stats, plugin);
	if (plugin->descriptor->kind == COTERIE_KIND_SERVICE)
		map_unpublish_service(executive->map, executive->config, plugin);
}

/*
 * Return the plugin to stop next, or NULL: none is left. Services come first, by descending priority and then by number
 * (book services, "Start and stop"), transports last. only_open: consider only those
 * with an IPC server.
 */
static struct plugin *next_to_stop(struct executive *executive, bool only_open)
{
	struct plugin *next = NULL;

	for (struct plugin *plugin = plugin_first(executive->plugins); plugin != NULL; plugin = plugin->next)
		if ((plugin->ipc != NULL || !only_open) &&
			(next == NULL || plugin->service.priority > next->service.priority))
			next = plugin;
	return next;
}

static void unload_plugins(struct executive *executive)
{
	struct plugin *plugin;

	while ((plugin = next_to_stop(executive, false)) != NULL) {
		if (plugin->descriptor->kind == COTERIE_KIND_SERVICE && executive->is_stopping)
			log_line("SERV", LOG_NOTICE, "Service engine unloaded: %s", plugin->service.title);
		executive_conceal(executive, plugin);
		plugin_unload(executive->plugins, plugin);
	}
}

void executive_destroy_parts(struct executive *executive)
{
	ring_stop(executive->ring);
	plugin_life_destroy(executive->life);
	executive->life = executive->host.life = NULL;
	unload_plugins(executive);
	rotate_destroy(executive->rotate);
	executive->rotate = NULL;
	reload_destroy(executive->reload);
	executive->reload = NULL;
	ring_destroy(executive->ring);
	if (executive->ipc != NULL)
		ipc_destroy(executive->ipc);
	writable_destroy(executive->writable);
	sync_destroy(executive->sync);
	route_destroy(executive->route);
	delivery_destroy(executive->delivery);
	plugin_registry_destroy(executive->plugins);
	rekey_destroy(executive->rekey);
	quorum_destroy(executive->quorum);
	state_writer_destroy(executive->state_writer);
	eviction_list_destroy(executive->evictions);
	stats_totem_destroy(executive->totem_stats);
	stats_destroy(executive->stats);
	stats_daemon_destroy(executive->stats_daemon);
	shared_tell_destroy(executive->shared_tell);
	runtime_keys_destroy(executive->runtime_keys);
	map_destroy(executive->map);
}

/* --- stopping --- */

/* Return whether the services have sent their last messages, and all queues are empty. */
static bool is_drained(struct executive *executive)
{
	bool is_done = true;

	for (struct plugin *plugin = plugin_first(executive->plugins); plugin != NULL; plugin = plugin->next) {
		int rc = 0;

		if (plugin->descriptor->kind == COTERIE_KIND_SERVICE && plugin->service.drain != NULL)
			PLUGIN_MARKED(plugin, "drain", rc = plugin->service.drain(plugin->self));
		is_done = is_done && rc >= 0;
	}
	return is_done && ring_backlog(executive->ring) == 0;
}

static bool may_still_drain(struct executive *executive)
{
	uint64_t now_ns = loop_now_ns(executive->loop);
	uint32_t backlog = ring_backlog(executive->ring);

	if (backlog < executive->stop_backlog)
		executive->stop_moved_ns = now_ns;
	executive->stop_backlog = backlog;
	return now_ns < executive->stop_deadline_ns && now_ns < executive->stop_moved_ns + STOP_STILL_NS;
}

static void finish_stop(void *arg)
{
	struct executive *executive = arg;

	if (!is_drained(executive) && may_still_drain(executive) &&
		loop_timer_add(executive->loop, loop_now_ns(executive->loop) + STOP_LOOK_NS, finish_stop, executive) !=
			NULL)
		return;
	ring_stop(executive->ring);
	loop_stop(executive->loop);
}

/* Begin the stop with the clients: messages that services multicast when clients leave still need the ring. */
static void start_stop(void *arg)
{
	struct executive *executive = arg;
	struct plugin *plugin;

	log_line("SERV", LOG_NOTICE, "Unloading all Corosync service engines.");
	while ((plugin = next_to_stop(executive, true)) != NULL) {
		struct ipc_server *server = plugin->ipc;

		plugin->ipc = NULL;
		ipc_server_close(server);
	}
	executive->stop_moved_ns = loop_now_ns(executive->loop);
	executive->stop_deadline_ns = executive->stop_moved_ns + executive->config->totem.token_ns;
	finish_stop(executive);
}

void executive_stop(struct executive *executive, int exit_code)
{
	if (executive->is_stopping)
		return;
	executive->is_stopping = true;
	executive->exit_code = exit_code;
	if (executive->quorum != NULL)
		quorum_stop(executive->quorum);
	process_notify("STOPPING=1");
	if (loop_defer(executive->loop, start_stop, executive) < 0)
		loop_stop(executive->loop);
}

void executive_dump(struct executive *executive)
{
	ring_dump(executive->ring);
	for (struct plugin *plugin = plugin_first(executive->plugins); plugin != NULL; plugin = plugin->next) {
		if (plugin->descriptor->kind != COTERIE_KIND_SERVICE || plugin->service.dump == NULL)
			continue;
		plugin->log_limits.is_off = true;
		PLUGIN_MARKED(plugin, "dump", plugin->service.dump(plugin->self));
		plugin->log_limits.is_off = false;
	}
}

void executive_die(struct executive *executive, int exit_status)
{
	(void)executive;
	/* The reference exits with -1, which its parent process sees as 255. */
	log_line("MAIN", LOG_ERR, "Corosync Cluster Engine exiting with status %d",
		exit_status == 255 ? -1 : exit_status);
	log_close();
	_exit(exit_status & 255);
}
