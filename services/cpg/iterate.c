/* Walking a snapshot of all memberships, as corosync-cpgtool does. */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

#define CS_OK 1
#define CS_ERR_LIBRARY 2
#define CS_ERR_NO_SECTIONS 27

/* What one client may keep open, and with how many entries together another one may begin. */
#define ITERATIONS_MAX 64
#define ENTRIES_OPEN_MAX 49152u

/* cpg_iteration_type_t of the client API. */
enum {
	NAME_ONLY = 1,
	ONE_GROUP = 2,
	ALL = 3,
};

struct entry {
	struct cpg_wire_name name;
	uint32_t nodeid;
	uint32_t pid;
};

struct cpg_iteration {
	struct cpg_iteration *next;
	uint64_t token;
	uint32_t count;
	uint32_t at; /* the entry that is shown next */
	struct entry entries[];
};

void cpg_iterations_free(struct cpg_connection *connection)
{
	while (connection->iterations != NULL) {
		struct cpg_iteration *iteration = connection->iterations;

		connection->iterations = iteration->next;
		free(iteration);
	}
}

void cpg_iterations_save(const struct cpg_connection *connection, struct coterie_state_writer *writer)
{
	uint32_t count = 0;

	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next) {
		coterie_state_put_u64(writer, one->token);
		coterie_state_put_u32(writer, one->at);
		coterie_state_put_u32(writer, one->count);
		coterie_state_put(writer, one->entries, one->count * sizeof(one->entries[0]));
	}
}

int cpg_iterations_load(struct cpg_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 16);
	struct cpg_iteration **end = &connection->iterations;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t token = coterie_state_take_u64(reader);
		uint32_t at = coterie_state_take_u32(reader);
		uint32_t entries = coterie_state_take_count(reader, sizeof(struct entry));
		struct cpg_iteration *iteration =
			calloc(1, sizeof(*iteration) + entries * sizeof(iteration->entries[0]));

		if (iteration == NULL)
			return -ENOMEM;
		iteration->token = token;
		iteration->at = at;
		iteration->count = entries;
		coterie_state_take(reader, iteration->entries, entries * (uint32_t)sizeof(struct entry));
		*end = iteration;
		end = &iteration->next;
		if (at > entries)
			return -ENOTSUP;
	}
	return 0;
}

static struct cpg_iteration **find(struct cpg_connection *connection, uint64_t token)
{
	struct cpg_iteration **at = &connection->iterations;

	while (*at != NULL && (*at)->token != token)
		at = &(*at)->next;
	return at;
}

/* Groups whose first member comes later in the list of all members come first (spec 03 §7.4). */
static int compare_first(const void *left, const void *right)
{
	const struct cpg_process *a = (*(struct cpg_group *const *)left)->members;
	const struct cpg_process *b = (*(struct cpg_group *const *)right)->members;

	if (a->nodeid != b->nodeid)
		return a->nodeid > b->nodeid ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid > b->pid ? -1 : 1;
	return (a->seq < b->seq) - (a->seq > b->seq);
}

/* Appends one group: its first member, then the others from the last on. */
static void add_group(struct cpg_iteration *iteration, const struct cpg_group *group, uint32_t type)
{
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i == 0 ? 0 : group->count - i];
		struct entry *entry = &iteration->entries[iteration->count++];

		entry->name = group->name;
		if (type == NAME_ONLY)
			return;
		entry->nodeid = process->nodeid;
		entry->pid = process->pid;
	}
}

static bool is_wanted(
	const struct cpg_group *group, uint32_t type, const struct cpg_wire_name *name)
{
	return group->count > 0 && (type != ONE_GROUP || cpg_name_equal(&group->name, name));
}

/* @return returned, caller frees; NULL: out of memory */
static struct cpg_iteration *take_snapshot(
	struct cpg *cpg, uint32_t type, const struct cpg_wire_name *name)
{
	struct cpg_group **groups = calloc(cpg->group_count + 1, sizeof(*groups));
	struct cpg_iteration *iteration = NULL;
	uint32_t group_count = 0;
	size_t entry_count = 0;

	if (groups == NULL)
		return NULL;
	for (uint32_t i = 0; i < cpg->group_count; i++) {
		if (!is_wanted(cpg->groups[i], type, name))
			continue;
		groups[group_count++] = cpg->groups[i];
		entry_count += type == NAME_ONLY ? 1 : cpg->groups[i]->count;
	}
	iteration = calloc(1, sizeof(*iteration) + entry_count * sizeof(iteration->entries[0]));
	if (iteration != NULL) {
		qsort(groups, group_count, sizeof(*groups), compare_first);
		for (uint32_t i = 0; i < group_count; i++)
			add_group(iteration, groups[i], type);
	}
	free(groups);
	return iteration;
}

int cpg_handle_iteration_initialize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_req_iteration_initialize req;
	struct cpg_wire_name name = {0};
	uint32_t open = 0;
	uint64_t entries = 0;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	if (req.iteration_type < NAME_ONLY || req.iteration_type > ALL)
		return -EINVAL;
	/* With the other types Corosync's library leaves the name to chance. */
	if (req.iteration_type == ONE_GROUP) {
		int rc = cpg_name_clean(&req.group, &name);

		if (rc < 0)
			return rc;
	}
	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next) {
		open++;
		entries += one->count;
	}

	struct cpg_iteration *iteration = NULL;

	if (open < ITERATIONS_MAX && entries <= ENTRIES_OPEN_MAX)
		iteration = take_snapshot(cpg, req.iteration_type, &name);
	if (iteration == NULL)
		return -ENOMEM;
	iteration->token = cpg->next_token++;
	iteration->next = connection->iterations;
	connection->iterations = iteration;

	struct iovec iov = {.iov_base = &iteration->token, .iov_len = sizeof(iteration->token)};

	cpg->host->reply(client, CPG_RES_ITERATION_INITIALIZE, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

/* Behind the last entry comes one refusal, then the first entry again. */
int cpg_handle_iteration_next(
	void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_iteration_next req;
	struct entry none = {.nodeid = 0};
	struct iovec iov = {.iov_base = &none, .iov_len = sizeof(none)};
	int32_t error = CS_OK;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_iteration *iteration = *find(cpg->host->client_data(client), req.iteration);

	if (iteration == NULL) {
		error = CS_ERR_LIBRARY;
	} else if (iteration->at == iteration->count) {
		error = CS_ERR_NO_SECTIONS;
		iteration->at = 0;
	} else {
		iov.iov_base = &iteration->entries[iteration->at++];
	}
	cpg->host->reply(client, CPG_RES_ITERATION_NEXT, error, &iov, 1);
	return COTERIE_REPLIED;
}

int cpg_handle_iteration_finalize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_iteration_finalize req;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_iteration **at = find(cpg->host->client_data(client), req.iteration);
	struct cpg_iteration *iteration = *at;

	if (iteration == NULL) {
		cpg->host->reply(client, CPG_RES_ITERATION_FINALIZE, CS_ERR_LIBRARY, NULL, 0);
		return COTERIE_REPLIED;
	}
	*at = iteration->next;
	free(iteration);
	return 0;
}
