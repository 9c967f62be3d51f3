/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reloads, and their checker. Each node has a file with a version, good or bad, and a client that requests reloads.
 *
 * The nodes of the test kit have no configuration file. So the host's functions that read it are replaced for cfg by
 * functions of this file. Everything else of a reload is done by the service. Reading takes up to 50 ms.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "exec/plugin/plugin.h"
#include "services/cfg/cfg.h"
#include "testkit/kit.h"
#include "tests/histories/play.h"

#define READ_MS_MAX 50u
#define CS_OK 1
#define LIFE_SHIFT 32 /* a round's number has the life of its node above this bit */

/** A node's file, and the state of its reload. */
struct cfg_file {
	struct cfg_files *files;
	uint32_t node;
	uint32_t life, first_stay;       /* life of the kit's node, and number of its stays before this life */
	uint32_t version, running, kept; /* running: in use. kept: read, waits for a commit; 0: none */
	bool is_bad;
	void (*done)(void *arg, int rc, const char *text); /* callback of the read that is under way. NULL: none */
	void *arg;
	bool is_whole; /* the file is applied as soon as it is read, without a commit */
	uint64_t ready_ns;
	struct testkit_client *client; /* NULL: none */
	bool is_asking;
	bool is_last; /* the reload under way was requested after the last new version */
	bool has_all; /* a reload requested after the last new version was applied by all nodes */
};

/** A node's decision in a reload: to apply the version that it has kept, or to refuse its file. */
struct cfg_decision {
	uint32_t node, asker;
	uint64_t number; /* number of the reload's round, with the life of the node that requested it */
	bool is_refusal;
	bool is_out;           /* the node was left out of the reload, since it had not answered in time */
	struct play_ring ring; /* ring of the decision. seq 0: unknown, or it promises nothing about safe messages */
	uint64_t mask;         /* nodes of the configuration, bits by number from 0 */
};

struct cfg_files {
	struct play *play;
	const struct coterie_host *real;
	struct coterie_host table;
	uint32_t last_version;
	struct cfg_file list[HISTORY_NODES_MAX + 1]; /* indexed by the node's number */
	struct cfg_decision *decisions;              /* decision_count; owned */
	uint32_t decision_count, decision_capacity;
};

/* ---- The host table ------------------------------------------------------- */

static struct cfg *cfg_of(struct coterie_ctx *ctx) { return ((struct plugin *)ctx)->self; }

static struct cfg_files *files_of(const struct cfg *cfg)
{
	return (struct cfg_files *)(void *)((uint8_t *)(uintptr_t)cfg->host - offsetof(struct cfg_files, table));
}

static struct cfg_file *file_of(struct coterie_ctx *ctx)
{
	const struct cfg *cfg = cfg_of(ctx);
	struct cfg_files *files = files_of(cfg);

	return &files->list[play_node(files->play, cfg->host->local_nodeid(ctx))];
}

/* Add a decision. @return NULL: the node has decided already */
static struct cfg_decision *add_decision(struct cfg_file *file, uint32_t asker, uint64_t number)
{
	struct cfg_files *files = file->files;

	for (uint32_t i = 0; i < files->decision_count; i++)
		if (files->decisions[i].node == file->node && files->decisions[i].number == number &&
			files->decisions[i].asker == asker)
			return NULL;
	if (files->decision_count == files->decision_capacity) {
		files->decision_capacity = files->decision_capacity * 2 + 64;
		files->decisions = realloc(files->decisions, files->decision_capacity * sizeof(*files->decisions));
		if (files->decisions == NULL)
			abort();
	}
	struct cfg_decision *decision = &files->decisions[files->decision_count++];
	*decision = (struct cfg_decision){.node = file->node, .asker = asker, .number = number};
	return decision;
}

static void decide(struct cfg_file *file, uint32_t asker, uint64_t number, bool is_refusal)
{
	struct cfg_files *files = file->files;
	const struct play_view *view = &files->play->views[file->node];
	struct cfg_decision *decision = add_decision(file, asker, number);

	if (decision == NULL)
		return;
	decision->is_refusal = is_refusal;
	if (view->is_known && view->is_safe_kept) {
		decision->ring = view->ring;
		decision->mask = view->mask;
	}
	play_trace(files->play, "cfg: node %u %s round %#jx of node %u", file->node,
		is_refusal ? "refuses its file for" : "is to apply", (uintmax_t)number, asker);
}

/*
 * Note the decision to apply a reload, then set the timer. The service sets this timer when the deciding message is
 * delivered.
 */
static int timer_add(
	struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **timer)
{
	const struct cfg_agreement *agreement = &cfg_of(ctx)->agreement;

	if (agreement->is_commit_due)
		decide(file_of(ctx), agreement->commit_asker, agreement->commit_number, false);
	return files_of(cfg_of(ctx))->real->timer_add(ctx, at_ns, run, arg, timer);
}

static int reload_with(
	struct coterie_ctx *ctx, uint32_t flags, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	struct cfg_file *file = file_of(ctx);
	struct testkit *kit = file->files->play->kit;

	if (file->done != NULL)
		play_break(file->files->play, "cfg: node %u reads its file twice at once", file->node);
	file->kept = 0;
	file->done = done;
	file->arg = arg;
	file->is_whole = (flags & COTERIE_RELOAD_PREPARE) == 0;
	file->ready_ns = testkit_now_ns(kit) + (uint64_t)testkit_random(kit, READ_MS_MAX) * 1000000;
	return 0;
}

static int reload_commit(struct coterie_ctx *ctx)
{
	struct cfg_file *file = file_of(ctx);
	const struct cfg_agreement *agreement = &cfg_of(ctx)->agreement;

	if (file->kept == 0)
		play_break(file->files->play, "cfg: node %u applies a file that it has not kept", file->node);
	decide(file, agreement->commit_asker, agreement->commit_number, false);
	files_of(cfg_of(ctx))->real->map_delete(ctx, "config.reload_error_message"); /* the executive does the same */
	file->running = file->kept;
	file->kept = 0;
	return 0;
}

static void reload_drop(struct coterie_ctx *ctx) { file_of(ctx)->kept = 0; }

/* ---- Nodes and files ------------------------------------------------------ */

static void end_reading(struct cfg_file *file)
{
	struct kit_node *node = &file->files->play->kit->nodes[file->node - 1];
	const struct cfg *cfg = testkit_self(file->files->play->kit, file->node, "cfg");
	const struct cfg_round *round = cfg != NULL ? cfg->agreement.rounds : NULL;
	void (*done)(void *arg, int rc, const char *text) = file->done;

	file->done = NULL;
	if (file->is_bad && round != NULL && round->is_begun && !round->is_check && !file->is_whole)
		decide(file, round->asker, round->number, true);
	if (!file->is_bad && file->is_whole)
		file->running = file->version;
	else if (!file->is_bad)
		file->kept = file->version;
	struct kit_node *outer = kit_enter(node);
	done(file->arg, file->is_bad ? -EINVAL : 0, file->is_bad ? "bad" : "change");
	kit_leave(node, outer);
}

/* Begin a life of a node: the daemon runs with the file's present version. */
static void begin_life(struct cfg_file *file, uint32_t life)
{
	struct cfg_files *files = file->files;
	struct cfg *cfg = testkit_self(files->play->kit, file->node, "cfg");

	file->life = life;
	file->first_stay = files->play->views[file->node].stay_count;
	file->running = file->version;
	file->kept = 0;
	file->done = NULL;
	if (files->real == NULL) {
		files->real = cfg->host;
		files->table = *cfg->host;
		files->table.timer_add = timer_add;
		files->table.reload_with = reload_with;
		files->table.reload_commit = reload_commit;
		files->table.reload_drop = reload_drop;
	}
	cfg->host = &files->table;
	cfg->agreement.next_number = (uint64_t)life << LIFE_SHIFT | 1;
}

static void on_message(
	void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *header)
{
	struct cfg_file *file = arg;
	const void *bytes = header;
	const struct cfg_res_reload_report *report = bytes;
	const struct play *play = file->files->play;
	bool is_report = header->error == CS_OK && header->size >= (int32_t)sizeof(*report);

	(void)client;
	if (is_event)
		return;
	file->is_asking = false;
	file->has_all = file->is_last && is_report &&
			((report->outcome == CFG_OUTCOME_APPLIED && report->count == play->script->nodes) ||
				report->outcome == CFG_OUTCOME_EACH);
	play_trace(play, "cfg: a reload on node %u ends with %d, outcome %u of %u nodes", file->node, header->error,
		is_report ? report->outcome : 0, is_report ? report->count : 0);
}

static void ask(struct cfg_file *file)
{
	struct cfg_req_reload_report request = {.header = {.id = CFG_REQ_RELOAD_REPORT, .size = sizeof(request)}};

	if (file->client == NULL || file->is_asking)
		return;
	file->is_asking = testkit_send(file->client, &request, sizeof(request)) == 0;
	file->is_last = file->files->play->is_quiet;
}

static void connect_client(struct cfg_file *file)
{
	if (file->client != NULL && !testkit_is_connected(file->client)) {
		testkit_disconnect(file->client);
		file->client = NULL;
		file->is_asking = false;
	}
	if (file->client == NULL && testkit_connect(file->files->play->kit, file->node, "cfg", &file->client) == 0)
		testkit_watch(file->client, on_message, file);
}

static void tick(void *self)
{
	struct cfg_files *files = self;
	struct testkit *kit = files->play->kit;

	for (uint32_t i = 1; i <= files->play->script->nodes; i++) {
		struct cfg_file *file = &files->list[i];
		const struct kit_node *node = &kit->nodes[i - 1];

		if (node->is_up && !node->is_dying && node->life != file->life)
			begin_life(file, node->life);
		if (!node->is_up || node->is_dying || node->resume_ns > kit->clock.now_ns)
			continue;
		if (files->play->is_quiet)
			file->is_bad = false;
		if (file->done != NULL && file->ready_ns <= testkit_now_ns(kit))
			end_reading(file);
		connect_client(file);
		if (files->play->is_quiet && i == 1 && !file->has_all)
			ask(file);
	}
}

/* Act as an operator: write a new version, good or bad on one node, and request a reload. */
static void act(void *self, const struct step *step)
{
	struct cfg_files *files = self;

	if (step->kind != STEP_CFG)
		return;
	files->last_version++;
	for (uint32_t i = 1; i <= files->play->script->nodes; i++) {
		files->list[i].version = files->last_version;
		files->list[i].is_bad = step->value == 0 && i == step->other;
	}
	ask(&files->list[step->node]);
}

/* A node applies a reload later than others if a plugin of it has not ended yet. */
static bool is_settled(void *self)
{
	const struct cfg_files *files = self;
	bool is_same = true;

	for (uint32_t i = 1; i <= files->play->script->nodes; i++)
		is_same &= files->list[i].running == files->last_version;
	return files->list[1].has_all && is_same;
}

/* Note the rounds of which this node is left out: it logs this. */
static void hear(void *self, struct kit_node *node, const char *text)
{
	struct cfg_files *files = self;
	const struct cfg *cfg = testkit_self(files->play->kit, node->id, "cfg");

	if (cfg == NULL || strstr(text, "This node was left out of a config reload") == NULL)
		return;
	for (const struct cfg_round *round = cfg->agreement.rounds; round != NULL; round = round->next) {
		const struct cfg_member *own = cfg_round_member(round, play_nodeid(files->play, node->id));
		struct cfg_decision *decision = NULL;

		if (own != NULL && own->stage == 0)
			decision = add_decision(&files->list[node->id], round->asker, round->number);
		if (decision == NULL)
			continue;
		decision->is_out = true;
		files->play->counts.left_out++;
	}
}

/* ---- The checker ---------------------------------------------------------- */

static const struct cfg_decision *find(const struct cfg_files *files, const struct cfg_decision *like, uint32_t node)
{
	for (uint32_t i = 0; i < files->decision_count; i++) {
		const struct cfg_decision *one = &files->decisions[i];

		if (one->node == node && one->asker == like->asker && one->number == like->number)
			return one;
	}
	return NULL;
}

/*
 * A node has applied a reload. Check that no node has refused it, and that every node of the same ring that still runs
 * has applied it.
 */
static void check_one(struct cfg_files *files, const struct cfg_decision *decision)
{
	struct play *play = files->play;

	for (uint32_t i = 1; i <= play->script->nodes; i++) {
		const struct cfg_decision *other = find(files, decision, i);
		bool was_there = decision->ring.seq != 0 && (decision->mask & UINT64_C(1) << (i - 1)) != 0 &&
				 play_view_stay(&play->views[i], decision->ring) > files->list[i].first_stay;

		if (other != NULL && other->is_refusal)
			play_break(play,
				"cfg: node %u applies the reload %#jx of node %u, and node %u has refused its file",
				decision->node, (uintmax_t)decision->number, decision->asker, i);
		if (other == NULL && was_there)
			play_break(play,
				"cfg: node %u applies the reload %#jx of node %u, and node %u of its ring %ju does not",
				decision->node, (uintmax_t)decision->number, decision->asker, i,
				(uintmax_t)decision->ring.seq);
		play->counts.reloads_compared += was_there;
	}
}

static void check(void *self)
{
	struct cfg_files *files = self;

	for (uint32_t i = 0; i < files->decision_count; i++)
		if (!files->decisions[i].is_refusal && !files->decisions[i].is_out)
			check_one(files, &files->decisions[i]);
	for (uint32_t i = 1; i <= files->play->script->nodes; i++)
		if (files->list[i].running != files->last_version)
			play_break(files->play, "cfg: the network is quiet, and node %u runs version %u of %u", i,
				files->list[i].running, files->last_version);
}

/* ---- Life of the part ----------------------------------------------------- */

static void *create(struct play *play)
{
	struct cfg_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		abort();
	files->play = play;
	files->last_version = 1;
	for (uint32_t i = 0; i <= HISTORY_NODES_MAX; i++)
		files->list[i] = (struct cfg_file){.files = files, .node = i, .version = 1};
	return files;
}

static void destroy(void *self)
{
	struct cfg_files *files = self;

	free(files->decisions);
	free(files);
}

const struct play_part play_cfg = {.name = "cfg",
	.create = create,
	.tick = tick,
	.act = act,
	.is_settled = is_settled,
	.hear = hear,
	.check = check,
	.destroy = destroy};
