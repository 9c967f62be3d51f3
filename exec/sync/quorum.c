/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/quorum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"

#define MEMBERS_MAX 65536u  /* a longer list of members is invalid */
#define LINE_MAX_LENGTH 64u /* length of a line of the list of members in the log, as in the reference */

/*
 * At most so many verdicts are logged in this time, and then the last one. A member can change the verdict by each of
 * its messages, and a list of 384 members has 30 lines.
 */
#define LOGGED_MAX 32u
#define LOGGED_WINDOW_NS UINT64_C(10000000000)

struct watcher {
	struct watcher *next;
	const struct plugin *plugin;
	void (*run)(void *arg, const struct coterie_quorum *verdict);
	void *arg;
};

struct quorum {
	void (*decided)(void *arg, const struct coterie_quorum *verdict); /* or NULL */
	void *arg;
	char *provider; /* plugin name, or NULL. A copy, since a reload may replace the config */
	struct coterie_quorum verdict;
	bool is_quorate;                  /* the last verdict */
	bool is_stopping;                 /* the daemon ends */
	uint32_t *members;                /* of verdict, and after them the votes if the verdict has any */
	struct watcher *watchers, **last; /* in the order in which they were added */
	struct loop *loop;                /* or NULL: each verdict is logged */
	struct loop_timer *logging;       /* runs while verdicts are not logged */
	uint64_t window_ns;               /* start of the present window of logged verdicts */
	uint32_t logged, unlogged;        /* number of verdicts in it, and of those that were left out */
	bool is_logged_quorate;           /* in the last verdict that was logged */
	bool is_telling;
	bool is_told_again; /* another verdict was published while watchers were called, so call them again */
};

struct quorum *quorum_create(
	const char *provider, void (*decided)(void *arg, const struct coterie_quorum *verdict), void *arg)
{
	struct quorum *quorum = calloc(1, sizeof(*quorum));

	if (quorum == NULL)
		return NULL;
	quorum->decided = decided;
	quorum->arg = arg;
	if (provider != NULL && (quorum->provider = strdup(provider)) == NULL) {
		free(quorum);
		return NULL;
	}
	quorum->last = &quorum->watchers;
	quorum->verdict = (struct coterie_quorum){
		.size = sizeof(quorum->verdict), .is_quorate = provider == NULL, .provider = quorum->provider};
	quorum->is_quorate = quorum->is_logged_quorate = provider == NULL;
	return quorum;
}

void quorum_limit_log(struct quorum *quorum, struct loop *loop) { quorum->loop = loop; }

void quorum_destroy(struct quorum *quorum)
{
	if (quorum == NULL)
		return;
	while (quorum->watchers != NULL) {
		struct watcher *next = quorum->watchers->next;

		free(quorum->watchers);
		quorum->watchers = next;
	}
	if (quorum->logging != NULL)
		loop_timer_del(quorum->loop, quorum->logging);
	free(quorum->members);
	free(quorum->provider);
	free(quorum);
}

/* Log the provider by the name that the reference has for it. */
void quorum_tell_provider(const char *name)
{
	log_line("QUORUM", LOG_NOTICE, "Using quorum provider %s", config_provider_name(name));
}

void quorum_stop(struct quorum *quorum) { quorum->is_stopping = true; }

bool quorum_has_provider(const struct quorum *quorum) { return quorum->provider != NULL; }

bool quorum_is_provider(const struct quorum *quorum, const struct plugin *plugin)
{
	return quorum->provider != NULL && strcmp(plugin->name, quorum->provider) == 0;
}

int quorum_appoint(struct quorum *quorum, const struct plugin *plugin)
{
	if (quorum->provider != NULL)
		return -EEXIST;
	if ((plugin->descriptor->offers & COTERIE_CAN_QUORUM) == 0)
		return -EPERM;
	quorum->provider = strdup(plugin->name);
	if (quorum->provider == NULL)
		return -ENOMEM;
	quorum->verdict.provider = quorum->provider;
	return 0;
}

/*
 * Log "Members[3]: 1 2 3", in lines of less than 64 characters. All lines except the last end with
 * a backslash.
 */
static void log_members(const struct coterie_quorum *verdict)
{
	char line[LINE_MAX_LENGTH + 16] = "", name[12];
	size_t length = 0;

	for (uint32_t i = 0; i < verdict->member_count; i++) {
		size_t more = (size_t)snprintf(name, sizeof(name), " %u", verdict->members[i]);

		if (length > 0 && length + more >= LINE_MAX_LENGTH) {
			log_line("QUORUM", LOG_NOTICE, "Members[%u]:%s\\", verdict->member_count, line);
			length = 0;
		}
		memcpy(line + length, name, more + 1);
		length += more;
	}
	log_line("QUORUM", LOG_NOTICE, "Members[%u]:%s", verdict->member_count, line);
}

static void log_verdict(struct quorum *quorum)
{
	bool was_quorate = quorum->is_logged_quorate;

	quorum->is_logged_quorate = quorum->is_quorate;
	if (quorum->is_quorate && !was_quorate)
		log_line("QUORUM", LOG_NOTICE, "This node is within the primary component and will provide service.");
	else if (!quorum->is_quorate && was_quorate)
		log_line("QUORUM", LOG_NOTICE,
			"This node is within the non-primary component and will NOT provide any services.");
	log_members(&quorum->verdict);
}

/* Log the last verdict of a window in which some were not logged. */
static void on_logging(void *arg)
{
	struct quorum *quorum = arg;

	quorum->logging = NULL;
	log_line("QUORUM", LOG_NOTICE, "%u verdicts were not logged: the last one follows", quorum->unlogged);
	quorum->unlogged = 0;
	log_verdict(quorum);
}

/* Return whether there is room for another verdict in the log. false: on_logging() logs the last one. */
static bool may_log(struct quorum *quorum)
{
	if (quorum->loop == NULL)
		return true;
	uint64_t now_ns = loop_now_ns(quorum->loop);

	if (quorum->logging == NULL && (quorum->logged == 0 || now_ns - quorum->window_ns >= LOGGED_WINDOW_NS)) {
		quorum->window_ns = now_ns;
		quorum->logged = 0;
	}
	if (quorum->logging == NULL && quorum->logged < LOGGED_MAX) {
		quorum->logged++;
		return true;
	}
	if (quorum->logging == NULL)
		quorum->logging = loop_timer_add(
			quorum->loop, quorum->window_ns + LOGGED_WINDOW_NS, on_logging, quorum);
	quorum->unlogged++;
	return false;
}

static void tell(struct quorum *quorum)
{
	if (quorum->is_telling) {
		quorum->is_told_again = true;
		return;
	}
	quorum->is_telling = true;
	do {
		struct watcher *next;

		quorum->is_told_again = false;
		for (struct watcher *watcher = quorum->watchers; watcher != NULL && !quorum->is_told_again;
			watcher = next) {
			next = watcher->next; /* no plugin ends during run(), so `next` stays valid */
			watcher->run(watcher->arg, &quorum->verdict);
		}
	} while (quorum->is_told_again);
	quorum->is_telling = false;
}

/* Log the verdict, pass it to the executive, and call the watchers. */
static void take_verdict(struct quorum *quorum)
{
	quorum->is_quorate = quorum->verdict.is_quorate != 0;
	if (may_log(quorum))
		log_verdict(quorum);
	if (quorum->decided != NULL)
		quorum->decided(quorum->arg, &quorum->verdict);
	tell(quorum);
}

/* Return whether a verdict differs from the last one, and that only in its votes. */
static bool are_votes_alone_new(const struct coterie_quorum *last, const struct coterie_quorum *taken)
{
	size_t size = taken->member_count * sizeof(*taken->members);

	if (last->votes == NULL || taken->votes == NULL || size == 0 ||
		(taken->is_quorate != 0) != (last->is_quorate != 0) || taken->ring.seq != last->ring.seq ||
		taken->ring.representative != last->ring.representative || taken->member_count != last->member_count ||
		memcmp(taken->members, last->members, size) != 0)
		return false;
	return taken->needed != last->needed || memcmp(taken->votes, last->votes, size) != 0;
}

int quorum_publish(struct quorum *quorum, const struct plugin *plugin, const struct coterie_quorum *verdict)
{
	if (!quorum_is_provider(quorum, plugin) || (plugin->descriptor->offers & COTERIE_CAN_QUORUM) == 0)
		return -EPERM;
	if (plugin->is_beside)
		return 0;                  /* the predecessor is in service, and its verdicts count */
	struct coterie_quorum taken = {0}; /* the struct of an older plugin may be shorter */
	memcpy(&taken, verdict, verdict->size < sizeof(taken) ? verdict->size : sizeof(taken));
	if (taken.member_count > MEMBERS_MAX || (taken.members == NULL && taken.member_count > 0))
		return -EINVAL;
	uint32_t *members = calloc(2 * (size_t)taken.member_count + 1, sizeof(*members));
	uint32_t *votes = taken.votes != NULL && members != NULL ? members + taken.member_count : NULL;

	if (members == NULL)
		return -ENOMEM;
	if (taken.member_count > 0)
		memcpy(members, taken.members, taken.member_count * sizeof(*members));
	if (votes != NULL)
		memcpy(votes, taken.votes, taken.member_count * sizeof(*votes));

	bool is_known = are_votes_alone_new(&quorum->verdict, &taken);

	free(quorum->members);
	quorum->members = members;
	quorum->verdict = (struct coterie_quorum){.size = sizeof(quorum->verdict),
		.is_quorate = taken.is_quorate != 0,
		.ring = taken.ring,
		.members = members,
		.member_count = taken.member_count,
		.provider = quorum->provider,
		.votes = votes,
		.needed = taken.needed};
	if (!is_known)
		take_verdict(quorum);
	else if (quorum->decided != NULL)
		quorum->decided(quorum->arg, &quorum->verdict); /* for the lease. To watchers it is no news */
	return 0;
}

void quorum_get(const struct quorum *quorum, struct coterie_quorum *verdict)
{
	uint32_t size = verdict->size;

	memcpy(verdict, &quorum->verdict, size < sizeof(*verdict) ? size : sizeof(*verdict));
	verdict->size = size;
}

int quorum_watch(struct quorum *quorum, const struct plugin *plugin,
	void (*run)(void *arg, const struct coterie_quorum *verdict), void *arg)
{
	for (const struct watcher *watcher = quorum->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->plugin == plugin)
			return -EEXIST;
	struct watcher *watcher = malloc(sizeof(*watcher));
	if (watcher == NULL)
		return -ENOMEM;
	*watcher = (struct watcher){.plugin = plugin, .run = run, .arg = arg};
	*quorum->last = watcher;
	quorum->last = &watcher->next;
	return 0;
}

void quorum_forget(struct quorum *quorum, const struct plugin *plugin)
{
	if (quorum == NULL)
		return;
	for (struct watcher **link = &quorum->watchers; *link != NULL; link = &(*link)->next) {
		struct watcher *watcher = *link;

		if (watcher->plugin != plugin)
			continue;
		*link = watcher->next;
		if (*link == NULL)
			quorum->last = link;
		free(watcher);
		break;
	}
	if (!quorum_is_provider(quorum, plugin) || plugin->is_beside || quorum->is_stopping)
		return;
	if (!quorum->is_quorate)
		return;
	quorum->verdict.is_quorate = 0;
	take_verdict(quorum);
}
