/*
 * A change of the cluster on all nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/change.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/lookup.h"

#define KEY_SIZE 256u
#define LIMIT_MS 30000   /* milliseconds to wait for an answer, unless --timeout is longer */
#define BACK_MS 30000    /* milliseconds to read the facts of a node whose session has ended */
#define RELOAD_MS 120000 /* milliseconds to find out whether a reload was carried out: that may take a minute */
#define BACK_PAUSE_MS 500
#define LIMIT_DAEMON_MS 150000 /* milliseconds for requests to a daemon or to the whole ring */

/* --- nodes --- */

int change_add_node(struct change *change, const struct words_node *node, enum plan_role role, uint32_t votes)
{
	if (change->count == WORDS_NODES_MAX)
		return -E2BIG;
	struct plan_node *nodes = realloc(change->nodes, (change->count + 1) * sizeof(*nodes));

	if (nodes == NULL)
		return -ENOMEM;
	change->nodes = nodes;
	nodes[change->count++] = (struct plan_node){.node = *node, .role = role, .votes = votes};
	return 0;
}

/* --- requests --- */

static struct json_object *request_named(const char *name)
{
	struct json_object *request = json_object_new_object();

	put_text(request, "do", name);
	return request;
}

static int limit_ms(const struct change *change, bool is_long)
{
	int limit = is_long ? LIMIT_DAEMON_MS : LIMIT_MS;
	int asked = (int)change->ctl->timeout_s * 1000;

	return asked > limit ? asked : limit;
}

static void fail_step(struct plan_finding *failure, size_t node, const char *text, const char *remedy)
{
	*failure = (struct plan_finding){.node = node};
	snprintf(failure->text, sizeof(failure->text), "%s", text);
	snprintf(failure->remedy, sizeof(failure->remedy), "%s", remedy);
}

/*
 * Send a request to a node's helper and wait for the answer. The request is freed. @return whether it was successful;
 * otherwise failure has the reason
 */
static bool ask(struct change *change, size_t node, struct json_object *request, bool is_long,
	struct json_object **answer, struct plan_finding *failure)
{
	struct json_object *received = NULL;
	char why[PLAN_TEXT_MAX];
	int rc = peer_ask(&change->peers[node], request, limit_ms(change, is_long), &received, why, sizeof(why));
	bool is_good = rc == 0 && get_bool(received, "ok");

	json_object_put(request);
	if (rc < 0)
		fail_step(failure, node, why, "see that the host is up and 'ssh' reaches it");
	else if (!is_good)
		fail_step(failure, node, get_text(received, "text"), get_text(received, "remedy"));
	if (answer != NULL)
		*answer = received;
	else
		json_object_put(received);
	return is_good;
}

/* --- sessions and facts --- */

static void open_peers(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct plan_node *node = &change->nodes[i];
		bool is_local = peer_is_local(&node->node);

		if (node->node.address_count == 0)
			snprintf(node->facts.error, sizeof(node->facts.error), "it has no address");
		else
			peer_open(&change->peers[i], is_local ? NULL : change->shell, node->node.addresses[0],
				node->facts.error, sizeof(node->facts.error));
	}
}

static void ask_facts(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct node_facts *facts = &change->nodes[i].facts;
		struct json_object *request = request_named("facts"), *answer = NULL;
		struct plan_finding failure;

		if (facts->error[0] != '\0') {
			json_object_put(request);
			continue;
		}
		put_text(request, "instance", change->ctl->instance != NULL ? change->ctl->instance : "");
		put_bool(request, "lock", !change->is_dry);
		if (ask(change, i, request, false, &answer, &failure))
			peer_facts(answer, facts);
		else
			snprintf(facts->error, sizeof(facts->error), "%s", failure.text);
		json_object_put(answer);
	}
}

/* --- a session that has ended --- */

/*
 * Read the facts of a node whose session has ended. While its helper still runs, the folder is locked. A try can
 * take as long as the remote shell waits for the host, so their time counts. @return whether the facts are known; the
 * caller frees facts->config
 */
static bool look_again(struct change *change, size_t i, int wait_ms, struct node_facts *facts)
{
	const struct words_node *node = &change->nodes[i].node;
	const int64_t end_ms = lookup_now_ms() + wait_ms;
	char why[PLAN_TEXT_MAX];

	do {
		struct json_object *request = request_named("facts"), *answer = NULL;
		struct plan_finding failure;

		peer_close(&change->peers[i]);
		peer_open(&change->peers[i], peer_is_local(node) ? NULL : change->shell, node->addresses[0], why,
			sizeof(why));
		change->peers[i].is_replaced = true;
		put_text(request, "instance", change->ctl->instance != NULL ? change->ctl->instance : "");
		put_bool(request, "lock", true);
		*facts = (struct node_facts){.is_locked = true};
		if (ask(change, i, request, false, &answer, &failure))
			peer_facts(answer, facts);
		json_object_put(answer);
		if (!facts->is_locked)
			return true;
		free(facts->config);
		poll(NULL, 0, BACK_PAUSE_MS);
	} while (lookup_now_ms() < end_ms);
	return false;
}

static bool is_as_before(struct change *change, size_t i)
{
	const struct node_facts *before = &change->nodes[i].facts;
	struct node_facts facts;

	if (!look_again(change, i, BACK_MS, &facts))
		return false;
	bool is_same = facts.has_key == before->has_key && facts.has_config == before->has_config &&
		       (facts.config == NULL) == (before->config == NULL) &&
		       (facts.config == NULL || strcmp(facts.config, before->config) == 0);

	free(facts.config);
	return is_same;
}

/*
 * Return whether the ring has applied the new files, after the answer to a reload was lost. The running daemon is
 * queried.
 */
static bool is_reloaded(struct change *change, size_t i)
{
	struct node_facts facts;

	if (!change->peers[i].is_failed || !look_again(change, i, RELOAD_MS, &facts))
		return false;
	free(facts.config);
	return facts.is_running && facts.running_version == change->new_version;
}

/* --- the key --- */

static bool is_keyed(const struct change *change)
{
	for (size_t i = 0; i < change->plan.step_count; i++)
		if (change->plan.steps[i].kind == STEP_KEY)
			return true;
	return false;
}

static bool make_key(struct change *change)
{
	uint8_t bytes[KEY_SIZE];

	/* getrandom(2) returns up to 256 bytes at once. If the kernel has no entropy yet, the call waits. */
	bool is_made = getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes);

	change->key = is_made ? hex_encode(bytes, sizeof(bytes)) : NULL;
	explicit_bzero(bytes, sizeof(bytes));
	if (change->key == NULL)
		fail_step(&change->failure, SIZE_MAX, "no key can be made", "");
	return change->key != NULL;
}

/* Return the next node that stays and has a key. @return change->count: none */
static size_t key_holder(const struct change *change, bool is_running)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct plan_node *node = &change->nodes[i];

		if (node->role == ROLE_STAYS && node->facts.has_key && (node->facts.is_running || !is_running))
			return i;
	}
	return change->count;
}

/*
 * Get the key. A running daemon has the key of the ring. If a daemon does not run, its file may be older than the last
 * rotation, so such a node is only the second choice.
 */
static bool fetch_key(struct change *change)
{
	struct json_object *answer = NULL;
	size_t node = key_holder(change, true);

	if (node == change->count)
		node = key_holder(change, false);
	if (node == change->count) {
		fail_step(&change->failure, SIZE_MAX, "no node of the cluster has a key",
			"coterie-ctl key create makes one");
		return false;
	}
	if (ask(change, node, request_named("secret"), false, &answer, &change->failure)) {
		change->key = change->peers[node].key_in;
		change->peers[node].key_in = NULL;
		if (change->key == NULL)
			fail_step(&change->failure, node, "its helper sends no key", "");
	}
	json_object_put(answer);
	return change->key != NULL;
}

/* --- steps --- */

static struct json_object *request_of(const struct change *change, const struct plan_step *step)
{
	struct json_object *request = NULL;
	bool is_leaving = change->request.change == PLAN_NODE_REMOVE;

	switch (step->kind) {
	case STEP_KEY:
		request = request_named("key");
		put_text(request, "file", change->key_file);
		put_text(request, "state", change->state_dir);
		break;
	case STEP_WRITE: {
		char *hex = hex_encode(change->new_text, strlen(change->new_text));

		request = request_named("write");
		put_text(request, "text", hex != NULL ? hex : "");
		free(hex);
		break;
	}
	case STEP_RELOAD_CHECK:
	case STEP_RELOAD:
		request = request_named("reload");
		put_bool(request, "check", step->kind == STEP_RELOAD_CHECK);
		put_bool(request, "force", is_leaving);
		break;
	case STEP_STOP:
		request = request_named("stop");
		put_bool(request, "force", change->request.is_forced);
		break;
	case STEP_TEST:
	case STEP_PLACE:
	case STEP_RETIRE:
	case STEP_START:
	case STEP_KINDS:
		request = request_named(plan_step_name(step->kind));
		break;
	}
	return request;
}

static bool is_long(enum step_kind kind)
{
	return kind == STEP_RELOAD_CHECK || kind == STEP_RELOAD || kind == STEP_STOP || kind == STEP_START;
}

/* Print the progress for a person. */
static void tell_progress(const struct change *change, const struct plan_step *step)
{
	if (change->ctl->format == CTL_TEXT && !change->ctl->is_quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "%zu/%zu %s: %s\n", change->steps_done + 1, change->plan.step_count,
			change->nodes[step->node].node.name, plan_step_name(step->kind));
}

/* Tell the other nodes of the ring that it is reloaded next, so that they keep the change if this command ends then. */
static bool announce_reload(struct change *change, size_t node)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct plan_node *other = &change->nodes[i];

		if (i != node && other->role == ROLE_STAYS && other->facts.is_running &&
			!ask(change, i, request_named("await"), false, NULL, &change->failure))
			return false;
	}
	return true;
}

static bool do_steps(struct change *change)
{
	for (size_t i = 0; i < change->plan.step_count; i++) {
		const struct plan_step *step = &change->plan.steps[i];

		tell_progress(change, step);
		bool is_reload = step->kind == STEP_RELOAD;

		if (step->kind == STEP_KEY)
			change->peers[step->node].key_out = change->key;
		bool is_announced = !is_reload || announce_reload(change, step->node);
		bool is_good = is_announced && ask(change, step->node, request_of(change, step), is_long(step->kind),
						       NULL, &change->failure);

		if (!is_good && is_announced && is_reload && is_reloaded(change, step->node)) {
			change->failure.text[0] = '\0';
			is_good = true;
		}
		change->is_reloaded = change->is_reloaded || (is_reload && is_announced);
		if (!is_good) {
			change->failed_step = step->kind;
			return false;
		}
		change->steps_done = i + 1;
	}
	return true;
}

/* --- undo --- */

static void add_trouble(struct change *change, const struct plan_finding *trouble)
{
	struct plan_finding *more = realloc(change->troubles, (change->trouble_count + 1) * sizeof(*more));

	if (more == NULL)
		return;
	change->troubles = more;
	more[change->trouble_count++] = *trouble;
}

/*
 * Reload the old files, which were restored, so that the ring uses them again. One request to any running node does
 * this for all nodes.
 */
static void reload_back(struct change *change)
{
	struct plan_finding trouble = {.text = "no node is left to reload"};

	for (size_t i = 0; i < change->count; i++) {
		struct json_object *request = request_named("reload");

		if (change->nodes[i].role != ROLE_STAYS || !change->nodes[i].facts.is_running ||
			change->peers[i].is_failed) {
			json_object_put(request);
			continue;
		}
		put_bool(request, "force", true);
		if (ask(change, i, request, true, NULL, &trouble))
			return;
	}
	snprintf(trouble.remedy, sizeof(trouble.remedy),
		"use 'coterie-ctl reload' when the files of all nodes are alike");
	add_trouble(change, &trouble);
}

static void undo(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct plan_finding trouble;

		if (change->peers[i].in < 0 && !change->peers[i].is_replaced)
			continue;
		/*
		 * A helper that was started later does not know the change: it would report success without undoing
		 * anything.
		 */
		if (change->peers[i].is_failed || change->peers[i].is_replaced) {
			peer_close(&change->peers[i]);
			if (is_as_before(change, i))
				continue;
			fail_step(&trouble, i,
				"its session has ended, and whether its files are as before is not known",
				"look for files that end in .before or .new beside its config, and put them back");
			add_trouble(change, &trouble);
		} else if (!ask(change, i, request_named("undo"), true, NULL, &trouble)) {
			snprintf(trouble.remedy, sizeof(trouble.remedy), "put back its files that end in .before");
			add_trouble(change, &trouble);
		}
	}
	if (change->is_reloaded)
		reload_back(change);
}

static void keep(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct plan_finding trouble;

		/*
		 * A helper that has ended has kept its change if its daemon runs with the new config. Without a running
		 * daemon it has undone the change.
		 */
		if (change->peers[i].in < 0 || ask(change, i, request_named("keep"), false, NULL, &trouble))
			continue;
		snprintf(trouble.remedy, sizeof(trouble.remedy), "compare its config with that of the others");
		add_trouble(change, &trouble);
	}
}

/* --- all steps --- */

static int run_plan(struct change *change)
{
	if (change->plan.refusal_count > 0) {
		change->outcome = CHANGE_REFUSED;
		return CTL_REFUSED;
	}
	change->outcome = CHANGE_PLANNED;
	if (change->is_dry)
		return CTL_GOOD;
	bool has_key = !is_keyed(change) ||
		       (change->request.change == PLAN_CREATE ? make_key(change) : fetch_key(change));

	bool is_done = has_key && do_steps(change);

	secret_free(change->key);
	change->key = NULL;
	if (is_done) {
		keep(change);
		change->outcome = CHANGE_DONE;
		return change->trouble_count == 0 ? CTL_GOOD : CTL_FAILED;
	}
	undo(change);
	change->outcome = change->trouble_count == 0 ? CHANGE_UNDONE : CHANGE_BROKEN;
	return CTL_FAILED;
}

int change_run(struct change *change)
{
	secret_process();
	alarm(0); /* each request has its own limit */
	signal(SIGPIPE, SIG_IGN);
	change->peers = calloc(change->count, sizeof(*change->peers));
	if (change->peers == NULL)
		return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < change->count; i++)
		change->peers[i] = (struct peer){.in = -1, .out = -1, .errors = -1, .is_failed = true};
	open_peers(change);
	ask_facts(change);
	if (plan_make(&change->request, change->nodes, change->count, &change->plan) < 0)
		return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory");
	return run_plan(change);
}

void change_fini(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		if (change->peers != NULL)
			peer_close(&change->peers[i]);
		free(change->nodes[i].facts.config);
	}
	plan_fini(&change->plan);
	secret_free(change->key);
	free(change->peers);
	free(change->nodes);
	free(change->troubles);
	free(change->old_text);
	free(change->new_text);
}
