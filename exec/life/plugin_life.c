/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steps of a change:
 *
 * - Load: source (the file is opened and checked, once for all steps), trial (another process starts the plugin), quiet
 *   (until no synchronisation is under way), act (file, options, init, maps). Then join: the service synchronises with
 *   the same service of other nodes. Then its IPC name opens. If that fails, drain, part and fini follow.
 * - Unload: quiet, act (the IPC name closes, clients end), drain (until the ring has delivered all messages of the
 *   service), part (other nodes are informed), fini. The file is closed one turn later.
 * - Replace: source, trial, quiet, act (plugin_replace.c). If it is forced and the state cannot be taken over, unload
 *   and load follow.
 */
#include "exec/life/plugin_life_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "exec/ipc/ipc_server.h"
#include "exec/life/plugin_trial.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"
#include "exec/sync/quorum.h"
#include "exec/sync/sync.h"

#define LOOK_NS UINT64_C(1000000) /* time between two checks whether a step can go on, nanoseconds */
#define DELIVERY_TOKENS 20u       /* the owner is answered at most so many token timeouts after the drain time */

enum kind {
	LOAD,
	UNLOAD,
	REPLACE,
};

enum step {
	STEP_SOURCE,
	STEP_TRIAL,
	STEP_QUIET,
	STEP_ACT,
	STEP_JOIN, /* the round of the synchronisation has to be announced to the other nodes */
	STEP_SYNC,
	STEP_DRAIN,
	STEP_PART,
};

struct change {
	enum kind kind;
	enum step step;
	const void *owner;     /* or NULL: a reload */
	plugin_life_done done; /* or NULL: there is no callback, or its owner has ended */
	void *arg;
	char *what;                         /* load: name or path, otherwise the name */
	char *path;                         /* replace: path of the new file, or NULL: `what` names it */
	struct plugin_overrides *overrides; /* load */
	uint32_t drain_ms;
	bool is_forced;
	bool is_optional;            /* it is no error if the plugin is not installed, or not loaded */
	struct plugin *plugin;       /* the plugin that was loaded, or is to be unloaded */
	struct plugin *successor;    /* forced replacement: the new plugin, which starts when the old one has ended */
	struct plugin_source source; /* load, replace: the file, from STEP_SOURCE on */
	struct plugin_trial *trial;
	uint64_t drain_until_ns; /* unload: end of the drain time */
	uint64_t answer_ns; /* unload: when the owner is answered, even if the ring has not delivered all messages */
	int rc;             /* the result after STEP_DRAIN, < 0 if a plugin was loaded, but cannot serve */
	char text[256];     /* the reason, if rc is not 0 */
	struct change *next;
};

struct plugin_life {
	struct plugin_life_parts parts;
	struct change *first, **last; /* The first change is active. Changes of a reload may wait behind it */
	struct loop_timer *timer;
};

static uint64_t now_of(const struct plugin_life *life) { return loop_now_ns(life->parts.loop); }

/* --- the queue --- */

static void change_destroy(struct change *change)
{
	plugin_trial_destroy(change->trial);
	plugin_source_close(&change->source);
	plugin_overrides_destroy(change->overrides);
	free(change->what);
	free(change->path);
	free(change);
}

static void on_turn(void *arg);

static void turn_at(struct plugin_life *life, uint64_t at_ns)
{
	if (life->timer == NULL)
		life->timer = loop_timer_add(life->parts.loop, at_ns, on_turn, life);
	if (life->timer == NULL)
		log_line("SERV", LOG_ERR, "Out of memory: a change of plugins stands still");
}

static struct change *change_create(
	enum kind kind, const void *owner, const char *what, plugin_life_done done, void *arg)
{
	struct change *change = calloc(1, sizeof(*change));

	if (change == NULL)
		return NULL;
	change->kind = kind;
	change->owner = owner;
	change->done = done;
	change->arg = arg;
	change->source.fd = -1;
	change->what = strdup(what);
	if (change->what == NULL) {
		change_destroy(change);
		return NULL;
	}
	return change;
}

/* Queue a change. All its steps run on later turns. */
static void submit(struct plugin_life *life, struct change *change)
{
	*life->last = change;
	life->last = &change->next;
	if (life->first == change)
		turn_at(life, now_of(life));
}

/* If a change is in progress, refuse another one: call done with -EALREADY. @return whether it was refused */
static bool is_busy(struct plugin_life *life, plugin_life_done done, void *arg)
{
	if (life->first == NULL)
		return false;
	done(arg, -EALREADY, "another plugin is being loaded, unloaded or replaced: ask again");
	return true;
}

static const char *const failures[] = {
	[LOAD] = "is not loaded", [UNLOAD] = "is not unloaded", [REPLACE] = "is not replaced, the old one serves on"};

/*
 * Return whether a failed change shows a bad plugin. A request that is impossible does not, and neither does a
 * replacement without a new file that needs --force.
 */
static bool is_failure(const struct change *change, int rc)
{
	if (change->kind == REPLACE && change->path == NULL && rc == -ENOTSUP)
		return false;
	return change->kind != UNLOAD && rc < 0 && rc != -ENOENT && rc != -EEXIST && rc != -EBUSY && rc != -EALREADY &&
	       rc != -EAGAIN;
}

static void count_event(struct plugin_life *life, const struct change *change, int rc)
{
	static const enum plugin_event events[] = {
		[LOAD] = PLUGIN_EVENT_LOAD, [UNLOAD] = PLUGIN_EVENT_UNLOAD, [REPLACE] = PLUGIN_EVENT_REPLACE};
	char name[64];

	plugin_name_of_path(change->what, name);
	if (plugin_name_is_valid(name) && (rc == 0 || is_failure(change, rc)))
		plugin_watch_event(plugin_registry_watch(life->parts.plugins), name,
			rc == 0 ? events[change->kind] : PLUGIN_EVENT_FAIL);
}

/* End a change: log its text, call its owner, and begin the next change on a turn of its own. */
static void finish(struct plugin_life *life, int rc, const char *text)
{
	struct change *change = life->first;

	if (rc == -ENOENT && change->is_optional)
		log_line("SERV", LOG_INFO, "service %s is not %s", change->what,
			change->kind == UNLOAD ? "loaded" : "installed");
	else if (rc < 0)
		/* The operator who requested the change receives the text, too. */
		log_line("SERV", change->done != NULL && !is_failure(change, rc) ? LOG_NOTICE : LOG_ERR,
			"Plugin '%s' %s: %s", change->what, failures[change->kind], text);
	count_event(life, change, rc);
	life->first = change->next;
	if (life->first == NULL)
		life->last = &life->first;
	else
		turn_at(life, now_of(life));
	if (change->done != NULL)
		change->done(change->arg, rc, text);
	change_destroy(change);
}

static void fail(struct plugin_life *life, const struct plugin_error *error)
{
	finish(life, error->rc < 0 ? error->rc : -EINVAL, error->text);
}

/* --- steps: each returns whether the next step may follow at once --- */

static bool wait(struct plugin_life *life)
{
	turn_at(life, now_of(life) + LOOK_NS);
	return false;
}

static bool end(struct plugin_life *life, int rc, const char *text)
{
	finish(life, rc, text);
	return false;
}

static bool step_source(struct plugin_life *life, struct change *change)
{
	const char *what = change->path != NULL ? change->path : change->what;
	struct plugin_error error = {.text = ""};

	if (plugin_find_source(life->parts.plugins, what, &change->source, &error) < 0) {
		fail(life, &error);
		return false;
	}
	change->step = STEP_TRIAL;
	return true;
}

/* Return the longest start of a plugin that does not disturb the ring, in milliseconds: half of the token timeout. */
static uint32_t start_bound_ms(const struct plugin_life *life)
{
	const struct config *config = *life->parts.config;
	uint64_t half_ms = config != NULL ? config->totem.token_ns / 2000000 : 0;

	return half_ms == 0 || half_ms > PLUGIN_START_MS_MAX ? PLUGIN_START_MS_MAX : (uint32_t)half_ms;
}

static bool start_trial(struct plugin_life *life, struct change *change)
{
	const struct plugin_life_parts *parts = &life->parts;

	/* Without a file the plugin is built in or missing, which the next step detects. */
	if (parts->program == NULL || change->source.fd < 0)
		return false;
	change->trial = plugin_trial_start(
		parts->program, change->source.path, change->source.fd, start_bound_ms(life), now_of(life));
	if (change->trial == NULL)
		log_line("SERV", LOG_INFO, "Plugin '%s' is not tried out in another process first: none can be started",
			change->what);
	return change->trial != NULL;
}

static bool end_slow(struct plugin_life *life)
{
	char text[128];

	snprintf(text, sizeof(text),
		"its start takes more than %u ms, and would hold up the ring, as a trial has shown",
		start_bound_ms(life));
	return end(life, -ETIME, text);
}

static bool step_trial(struct plugin_life *life, struct change *change)
{
	if (change->trial == NULL && !start_trial(life, change)) {
		change->step = STEP_QUIET;
		return true;
	}
	int rc = plugin_trial_look(change->trial, now_of(life));
	if (rc == -EAGAIN)
		return wait(life);
	if (rc == -EFAULT)
		return end(life, rc, "it crashes when it starts, as a trial in another process has shown");
	if (rc == -ECHILD)
		return end(life, rc, "it calls exit() when it starts, as a trial in another process has shown");
	if (rc == -ETIME)
		return end_slow(life);
	if (rc < 0)
		return end(life, rc, "it hangs when it starts, as a trial in another process has shown");
	change->step = STEP_QUIET;
	return true;
}

static bool step_quiet(struct plugin_life *life, struct change *change)
{
	const struct plugin_life_parts *parts = &life->parts;
	const struct plugin *plugin = plugin_by_name(parts->plugins, change->what);

	if (sync_is_running(parts->sync) || (plugin != NULL && plugin->is_held))
		return wait(life);
	change->step = STEP_ACT;
	return true;
}

/* --- load --- */

static void tell_loaded(const struct plugin *plugin)
{
	log_line("SERV", LOG_NOTICE, "Service engine loaded: %s [%u]", plugin->service.title, plugin->service.ring_id);
}

bool plugin_life_is_to_decide(const struct plugin_life *life, const struct config *config, const char *name)
{
	return config->quorum_provider != NULL && strcmp(config->quorum_provider, name) == 0 &&
	       !quorum_has_provider(life->parts.quorum);
}

/* Make the plugin the quorum provider. Possible errors were excluded before the reload. */
static void appoint(struct plugin_life *life, const struct plugin *plugin)
{
	int rc = quorum_appoint(life->parts.quorum, plugin);

	if (rc == 0)
		quorum_tell_provider(plugin->name);
	else
		log_line("QUORUM", LOG_ERR, "Quorum provider %s does not decide: %s", plugin->name, strerror(-rc));
}

static bool act_load(struct plugin_life *life, struct change *change)
{
	struct plugin_error error = {.text = ""};
	char name[64];

	plugin_name_of_path(change->what, name);
	const struct plugin *owner = plugin_by_name(life->parts.plugins, name);
	if (owner != NULL) {
		snprintf(error.text, sizeof(error.text), "it is already loaded from %s: use replace", owner->path);
		return end(life, -EEXIST, error.text);
	}
	change->plugin = plugin_load_anew(
		life->parts.plugins, change->what, &change->source, change->overrides, NULL, &error);
	if (change->plugin == NULL) {
		fail(life, &error);
		return false;
	}
	change->overrides = NULL;
	if (plugin_life_is_to_decide(life, *life->parts.config, name))
		appoint(life, change->plugin);
	life->parts.show(life->parts.arg, change->plugin);
	tell_loaded(change->plugin);
	change->step = STEP_JOIN;
	return true;
}

static bool step_join(struct plugin_life *life, struct change *change)
{
	/* If the ring has changed meanwhile, the synchronisation of the new ring includes the plugin. */
	if (change->plugin->is_deaf && sync_is_running(life->parts.sync))
		return wait(life);
	if (change->plugin->is_deaf && sync_join(life->parts.sync, change->plugin) == -EAGAIN)
		return wait(life);
	change->step = STEP_SYNC;
	return true;
}

/* End the plugin's service. It stays until the ring has delivered its messages. */
static void begin_drain(struct plugin_life *life, struct change *change, struct plugin *plugin)
{
	const uint64_t token_ns = (*life->parts.config)->totem.token_ns;
	struct ipc_server *server = plugin->ipc;

	change->plugin = plugin;
	plugin->state = PLUGIN_DRAINING;
	plugin->ipc = NULL;
	ipc_server_close(server);
	change->drain_until_ns = now_of(life) +
				 (change->drain_ms > 0 ? UINT64_C(1000000) * change->drain_ms : token_ns);
	change->answer_ns = change->drain_until_ns + DELIVERY_TOKENS * token_ns;
	change->step = STEP_DRAIN;
}

static bool step_sync(struct plugin_life *life, struct change *change)
{
	const struct plugin_life_parts *parts = &life->parts;
	struct plugin *plugin = change->plugin;

	if (plugin->is_deaf || plugin->is_held || sync_is_running(parts->sync))
		return wait(life);
	plugin->state = PLUGIN_RUNNING;
	change->rc = ipc_server_open(parts->ipc, plugin);
	if (change->rc == 0)
		return end(life, 0, "");
	char reason[128];

	ipc_server_error(parts->ipc, plugin, change->rc, reason, sizeof(reason));
	snprintf(change->text, sizeof(change->text), "its IPC name '%s' cannot be opened (%s)",
		plugin->service.ipc_name, reason);
	begin_drain(life, change, plugin);
	return true;
}

/* --- unload --- */

static bool is_needed(const struct plugin_life *life, const struct plugin *plugin)
{
	return plugin->descriptor->kind != COTERIE_KIND_SERVICE || quorum_is_provider(life->parts.quorum, plugin);
}

static bool act_unload(struct plugin_life *life, struct change *change)
{
	struct plugin *plugin = plugin_by_name(life->parts.plugins, change->what);

	if (plugin == NULL)
		return end(life, -ENOENT, "it is not loaded");
	if (plugin->descriptor->kind != COTERIE_KIND_SERVICE)
		return end(life, -EBUSY, "it carries the ring");
	if (is_needed(life, plugin) && change->successor == NULL)
		return end(life, -EBUSY, "it decides about quorum");
	if (plugin == change->owner && change->successor == NULL)
		return end(life, -EBUSY, "it would unload itself");
	begin_drain(life, change, plugin);
	return true;
}

static bool is_drained(struct plugin *plugin)
{
	if (plugin->service.drain == NULL)
		return true;
	struct plugin_call call;

	plugin_enter(&call, plugin, "drain");
	int rc = plugin->service.drain(plugin->self);
	plugin_leave(&call);
	return rc >= 0;
}

/*
 * Wait until the ring has delivered the service's messages. When the time is up, call done() of the owner: the service
 * has ended, except for these messages.
 */
static bool wait_for_ring(struct plugin_life *life, struct change *change)
{
	if (now_of(life) >= change->answer_ns) {
		change->answer_ns = UINT64_MAX;
		log_line("SERV", LOG_WARNING,
			"Plugin '%s' ends when the ring has delivered its last messages: until then no other plugin is loaded, "
			"unloaded or replaced",
			change->what);
		if (change->done != NULL)
			change->done(change->arg, change->rc, change->text);
		change->done = NULL;
	}
	return wait(life);
}

/*
 * Wait until the service's messages are delivered. A message that is still queued at a change of the ring is sent
 * behind the synchronisation. If the service is unloaded by then, the synchronisation does not mention the sender.
 * Clients on other nodes would then receive a message of a process that has left. And in a synchronisation the service
 * cannot tell the others that it ends, though it has sent them its state.
 */
static bool step_drain(struct plugin_life *life, struct change *change)
{
	if (!is_drained(change->plugin) && now_of(life) < change->drain_until_ns)
		return wait(life);
	if (change->plugin->underway > 0 || sync_is_running(life->parts.sync))
		return wait_for_ring(life, change);
	change->step = STEP_PART;
	return true;
}

/* Start the new plugin after a forced replacement has removed the old one. */
static bool start_successor(struct plugin_life *life, struct change *change)
{
	change->plugin = change->successor;
	change->successor = NULL;
	change->plugin->is_deaf = true; /* before plugin_enlist, so that it sends nothing until other nodes know it */
	plugin_enlist(life->parts.plugins, change->plugin);
	life->parts.plugins->parts.host->write(change->plugin);
	life->parts.plugins->parts.host->settle(change->plugin);
	life->parts.show(life->parts.arg, change->plugin);
	tell_loaded(change->plugin);
	change->step = STEP_JOIN;
	return true;
}

static bool step_part(struct plugin_life *life, struct change *change)
{
	const struct plugin_life_parts *parts = &life->parts;
	struct plugin *plugin = change->plugin;

	/*
	 * Wait if the ring has no room. A synchronisation may begin meanwhile, in which the service sends again. So go
	 * back to the drain.
	 */
	if (sync_part(parts->sync, plugin) == -EAGAIN) {
		change->step = STEP_DRAIN;
		return wait_for_ring(life, change);
	}
	log_line("SERV", LOG_NOTICE, "Service engine unloaded: %s", plugin->service.title);
	parts->conceal(parts->arg, plugin);
	if (change->successor != NULL)
		/* the successor is the same provider, so the old verdict stays until the first one of the successor */
		plugin->is_beside = true;
	plugin_unload(parts->plugins, plugin);
	if (change->successor != NULL)
		return start_successor(life, change);
	return end(life, change->rc, change->text);
}

/* --- replace --- */

static bool act_replace(struct plugin_life *life, struct change *change)
{
	struct plugin *old = plugin_by_name(life->parts.plugins, change->what);
	const char *what = change->path != NULL ? change->path : change->what;
	struct plugin_error error = {.text = ""};

	if (old == NULL)
		return end(life, -ENOENT, "it is not loaded");
	if (old->descriptor->kind != COTERIE_KIND_SERVICE)
		return end(life, -EBUSY, "it carries the ring: only services can be replaced");
	int rc = plugin_replace_warm(
		&life->parts, old, what, &change->source, change->is_forced, &change->successor, &error);
	if (rc == -EINPROGRESS)
		return act_unload(life, change);
	if (rc < 0) {
		error.rc = rc;
		fail(life, &error);
		return false;
	}
	return end(life, 0, "");
}

/* --- the turn --- */

static bool run_step(struct plugin_life *life, struct change *change)
{
	switch (change->step) {
	case STEP_SOURCE:
		return step_source(life, change);
	case STEP_TRIAL:
		return step_trial(life, change);
	case STEP_QUIET:
		return step_quiet(life, change);
	case STEP_ACT:
		return change->kind == LOAD     ? act_load(life, change)
		       : change->kind == UNLOAD ? act_unload(life, change)
						: act_replace(life, change);
	case STEP_JOIN:
		return step_join(life, change);
	case STEP_SYNC:
		return step_sync(life, change);
	case STEP_DRAIN:
		return step_drain(life, change);
	case STEP_PART:
		return step_part(life, change);
	}
	return false;
}

static void on_turn(void *arg)
{
	struct plugin_life *life = arg;

	life->timer = NULL;
	if (*life->parts.is_stopping)
		return; /* no step is needed any more when the daemon ends */
	while (life->first != NULL && run_step(life, life->first))
		;
}

/* --- requests --- */

static bool is_file(const char *what) { return what[0] == '/'; }

int plugin_life_load(struct plugin_life *life, const void *owner, const char *what, const char *const *options,
	uint32_t count, plugin_life_done done, void *arg)
{
	if (is_busy(life, done, arg))
		return 0;
	struct change *change = change_create(LOAD, owner, what, done, arg);
	if (change == NULL)
		return -ENOMEM;
	change->overrides = plugin_overrides_create(options, count);
	if (change->overrides == NULL) {
		change_destroy(change);
		return -ENOMEM;
	}
	submit(life, change);
	return 0;
}

int plugin_life_join(
	struct plugin_life *life, const void *owner, struct plugin *plugin, plugin_life_done done, void *arg)
{
	struct change *change = change_create(LOAD, owner, plugin->name, done, arg);

	if (change == NULL)
		return -ENOMEM;
	change->plugin = plugin;
	change->step = STEP_JOIN;
	submit(life, change);
	return 0;
}

int plugin_life_unload(struct plugin_life *life, const void *owner, const char *name, uint32_t drain_ms,
	plugin_life_done done, void *arg)
{
	if (is_busy(life, done, arg))
		return 0;
	struct change *change = change_create(UNLOAD, owner, name, done, arg);
	if (change == NULL)
		return -ENOMEM;
	change->step = STEP_QUIET;
	change->drain_ms = drain_ms;
	submit(life, change);
	return 0;
}

int plugin_life_replace(struct plugin_life *life, const void *owner, const char *name, const char *path, bool is_forced,
	plugin_life_done done, void *arg)
{
	if (path != NULL && !is_file(path)) {
		done(arg, -EINVAL, "name the file by an absolute path");
		return 0;
	}
	if (is_busy(life, done, arg))
		return 0;
	struct change *change = change_create(REPLACE, owner, name, done, arg);
	if (change == NULL)
		return -ENOMEM;
	change->is_forced = is_forced;
	change->path = path != NULL ? strdup(path) : NULL;
	if (path != NULL && change->path == NULL) {
		change_destroy(change);
		return -ENOMEM;
	}
	submit(life, change);
	return 0;
}

void plugin_life_forget(struct plugin_life *life, const void *owner)
{
	for (struct change *change = life != NULL ? life->first : NULL; change != NULL; change = change->next)
		if (change->owner == owner)
			change->done = NULL;
}

/* --- for plugin_follow.c --- */

void plugin_life_queue(struct plugin_life *life, bool is_load, const char *name, bool is_optional)
{
	enum kind kind = is_load ? LOAD : UNLOAD;
	struct change *change = change_create(kind, NULL, name, NULL, NULL);

	if (change == NULL) {
		log_line("SERV", LOG_ERR, "Plugin '%s' %s: out of memory", name, failures[kind]);
		return;
	}
	change->is_optional = is_optional;
	change->step = is_load ? STEP_SOURCE : STEP_QUIET;
	submit(life, change);
}

bool plugin_life_stays(const struct plugin_life *life, const char *name)
{
	bool is_loaded = plugin_by_name(life->parts.plugins, name) != NULL;

	for (const struct change *change = life->first; change != NULL; change = change->next)
		if (change->kind != REPLACE && strcmp(change->what, name) == 0)
			is_loaded = change->kind == LOAD && change->rc == 0;
	return is_loaded;
}

/* --- create, destroy --- */

struct plugin_life *plugin_life_create(const struct plugin_life_parts *parts)
{
	struct plugin_life *life = calloc(1, sizeof(*life));

	if (life == NULL)
		return NULL;
	life->parts = *parts;
	life->last = &life->first;
	return life;
}

void plugin_life_destroy(struct plugin_life *life)
{
	if (life == NULL)
		return;
	loop_timer_del(life->parts.loop, life->timer);
	while (life->first != NULL) {
		struct change *change = life->first;

		life->first = change->next;
		if (change->successor != NULL)
			plugin_retire(life->parts.plugins, change->successor);
		change_destroy(change);
	}
	free(life);
}
