/* `quorum` and what changes it. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct flag {
	unsigned int bit;
	const char *name;
};

static const struct flag flags[] = {
	{VOTEQUORUM_INFO_TWONODE, "2Node"},
	{VOTEQUORUM_INFO_QUORATE, "Quorate"},
	{VOTEQUORUM_INFO_WAIT_FOR_ALL, "WaitForAll"},
	{VOTEQUORUM_INFO_LAST_MAN_STANDING, "LastManStanding"},
	{VOTEQUORUM_INFO_AUTO_TIE_BREAKER, "AutoTieBreaker"},
	{VOTEQUORUM_INFO_ALLOW_DOWNSCALE, "AllowDownscale"},
	{VOTEQUORUM_INFO_QDEVICE_REGISTERED, "Qdevice"},
};

/* --- show --- */

struct node_list {
	votequorum_node_t nodes[1024];
	uint32_t count;
	bool is_known;
};

static void see_nodes(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t count,
	votequorum_node_t *nodes)
{
	struct node_list *list = (struct node_list *)(uintptr_t)context;

	(void)handle, (void)quorate;
	list->count = count < 1024 ? count : 1024;
	memcpy(list->nodes, nodes, list->count * sizeof(nodes[0]));
	list->is_known = true;
}

/* On a connection of its own: one that tracks gets notices from then on. */
static void get_nodes(struct node_list *list)
{
	votequorum_callbacks_t callbacks = {.votequorum_quorum_notify_fn = see_nodes};
	votequorum_handle_t handle;

	if (votequorum_initialize(&handle, &callbacks) != CS_OK)
		return;
	if (votequorum_trackstart(handle, (uint64_t)(uintptr_t)list, CS_TRACK_CURRENT) == CS_OK)
		votequorum_dispatch(handle, CS_DISPATCH_ALL);
	votequorum_finalize(handle);
}

static struct json_object *qdevice_of(const struct votequorum_info *info)
{
	struct json_object *device = json_object_new_object();

	put_bool(device, "registered", (info->flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0);
	put_bool(device, "alive", (info->flags & VOTEQUORUM_INFO_QDEVICE_ALIVE) != 0);
	put_bool(device, "cast_vote", (info->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0);
	put_bool(device, "master_wins", (info->flags & VOTEQUORUM_INFO_QDEVICE_MASTER_WINS) != 0);
	return device;
}

static struct json_object *voters(struct ctl *ctl, const struct node_list *list, uint32_t local)
{
	static const char *const states[] = {[VOTEQUORUM_NODESTATE_MEMBER] = "member",
		[VOTEQUORUM_NODESTATE_DEAD] = "dead", [VOTEQUORUM_NODESTATE_LEAVING] = "leaving"};
	struct json_object *nodes = fact_nodes(ctl), *answer = json_object_new_array();
	char buffer[12];

	for (uint32_t i = 0; i < list->count; i++) {
		struct votequorum_info info;
		uint32_t id = list->nodes[i].nodeid, state = list->nodes[i].state;

		/* Node 0 is the device. */
		if (id == 0 || votequorum_getinfo(ctl->votes, id, &info) != CS_OK)
			continue;
		struct json_object *node = json_object_new_object();
		put_number(node, "id", id);
		put_text(node, "name", fact_node_name(nodes, id, buffer));
		put_number(node, "votes", info.node_votes);
		put_text(node, "state", state >= 1 && state <= 3 ? states[state] : "dead");
		put_bool(node, "local", id == local);
		if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0)
			json_object_object_add(node, "qdevice", qdevice_of(&info));
		json_object_array_add(answer, node);
	}
	json_object_put(nodes);
	return answer;
}

static void put_votes(struct ctl *ctl, const struct votequorum_info *info, struct json_object *data)
{
	struct json_object *names = json_object_new_array();
	struct node_list list = {.is_known = false};
	int64_t spare = (int64_t)info->total_votes - info->quorum;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((info->flags & flags[i].bit) != 0)
			json_object_array_add(names, json_object_new_string(flags[i].name));
	put_number(data, "expected_votes", info->node_expected_votes);
	put_number(data, "highest_expected", info->highest_expected);
	put_number(data, "total_votes", info->total_votes);
	put_number(data, "quorum", info->quorum);
	json_object_object_add(data, "flags", names);
	put_bool(data, "waiting_for_all",
		fact_number(ctl, CTL_CONFIG, "runtime.votequorum.wait_for_all_status", 0) != 0);
	put_number(data, "can_lose", spare > 0 ? spare : 0);
	get_nodes(&list);
	json_object_object_add(data, "nodes", voters(ctl, &list, info->node_id));
	if ((info->flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) == 0) {
		json_object_object_add(data, "qdevice", NULL);
		return;
	}
	struct json_object *device = json_object_new_object();
	char name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN + 1] = "";
	memcpy(name, info->qdevice_name, strnlen(info->qdevice_name, VOTEQUORUM_QDEVICE_MAX_NAME_LEN));
	put_text(device, "name", name);
	put_number(device, "votes", info->qdevice_votes);
	put_bool(device, "counted", (info->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0);
	json_object_object_add(data, "qdevice", device);
}

/* Who is to be in the ring, by the node list, and is not. */
static void put_missing(struct ctl *ctl, struct json_object *data)
{
	struct json_object *members = members_all(ctl), *missing = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (get(member, "addresses") != NULL && strcmp(get_text(member, "state"), "joined") != 0)
			json_object_array_add(missing, json_object_new_int64(get_number(member, "id")));
	}
	json_object_object_add(data, "missing", missing);
	json_object_put(members);
}

/* @return 0; the exit status with ctl->error set */
static int read_verdict(struct ctl *ctl, bool *is_quorate)
{
	int quorate, code;

	if (ctl->remote != NULL) {
		*is_quorate = fact_quorate(ctl) != 0;
		return 0;
	}
	code = ctl_open(ctl, CTL_QUORUM);
	if (code != 0)
		return code;
	cs_error_t error = quorum_getquorate(ctl->quorum, &quorate);
	*is_quorate = quorate != 0;
	return error == CS_OK ? 0 : ctl_fail_cs(ctl, "quorum", error);
}

/* Of another node its verdict alone: the votes are the same for all of a partition. */
int quorum_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct votequorum_info info;
	bool is_quorate;

	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum takes no '%s'", argv[0]);
	int code = read_verdict(ctl, &is_quorate);
	if (code != 0)
		return code;
	char *provider = fact_text(ctl, CTL_CONFIG, "quorum.provider");
	put_text(data, "provider", provider);
	free(provider);
	put_bool(data, "quorate", is_quorate);
	struct json_object *ring = fact_ring();
	if (ring != NULL)
		json_object_object_add(data, "ring", ring);
	if (ctl_try(ctl, CTL_CONFIG))
		put_missing(ctl, data);
	if (ctl->remote == NULL && ctl_try(ctl, CTL_VOTES) && votequorum_getinfo(ctl->votes, 0, &info) == CS_OK)
		put_votes(ctl, &info, data);
	return is_quorate ? CTL_GOOD : CTL_NOT_QUORATE;
}

static void print_voters(const struct ctl *ctl, struct json_object *nodes)
{
	fprintf(ctl->out, "\n%10s  %-16s %5s  %s\n", "Node", "Name", "Votes", "State");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i), *device = get(node, "qdevice");

		fprintf(ctl->out, "%10" PRIi64 "  %-16s %5" PRIi64 "  %s%s", get_number(node, "id"),
			get_text(node, "name"), get_number(node, "votes"), get_text(node, "state"),
			get_bool(node, "local") ? " (local)" : "");
		if (device != NULL)
			fprintf(ctl->out, ", device %s, %s", get_bool(device, "alive") ? "alive" : "not alive",
				get_bool(device, "cast_vote") ? "votes" : "does not vote");
		fprintf(ctl->out, "\n");
	}
}

static void print_missing(const struct ctl *ctl, struct json_object *missing)
{
	if (missing == NULL || json_object_array_length(missing) == 0)
		return;
	fprintf(ctl->out, "Missing   node");
	for (size_t i = 0; i < json_object_array_length(missing); i++)
		fprintf(ctl->out, " %" PRIi64, json_object_get_int64(json_object_array_get_idx(missing, i)));
	fprintf(ctl->out, "\n");
}

void quorum_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *names = get(data, "flags"), *device = get(data, "qdevice");

	fprintf(ctl->out, "Provider  %s\nQuorum    %s\n",
		get(data, "provider") != NULL ? get_text(data, "provider") : "none configured",
		get_bool(data, "quorate") ? "quorate" : "NOT quorate");
	print_missing(ctl, get(data, "missing"));
	if (names == NULL)
		return;
	fprintf(ctl->out, "Votes     %" PRIi64 " of %" PRIi64 " expected; %" PRIi64 " make a quorum; %" PRIi64
			  " may still go\n",
		get_number(data, "total_votes"), get_number(data, "highest_expected"), get_number(data, "quorum"),
		get_number(data, "can_lose"));
	fprintf(ctl->out, "Flags     ");
	for (size_t i = 0; i < json_object_array_length(names); i++)
		fprintf(ctl->out, "%s ", json_object_get_string(json_object_array_get_idx(names, i)));
	fprintf(ctl->out, "\n%s", get_bool(data, "waiting_for_all") ? "          waiting for all nodes\n" : "");
	if (device != NULL)
		fprintf(ctl->out, "Device    %s, %" PRIi64 " votes, %s\n", get_text(device, "name"),
			get_number(device, "votes"), get_bool(device, "counted") ? "counted" : "not counted");
	print_voters(ctl, get(data, "nodes"));
}

/* --- change --- */

static int parse_u32(struct ctl *ctl, const char *what, const char *word, uint32_t least, uint32_t *number)
{
	char *end;

	errno = 0;
	unsigned long long value = word != NULL ? strtoull(word, &end, 10) : 0;
	if (word == NULL || errno != 0 || end == word || *end != '\0' || *word == '-' || value < least ||
		value > UINT32_MAX)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "%s: '%s' is no number of at least %" PRIu32,
			what, word != NULL ? word : "", least);
	*number = (uint32_t)value;
	return 0;
}

int quorum_set_expected(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	uint32_t votes;
	char text[128];
	int code = parse_u32(ctl, "quorum set-expected", argc == 1 ? argv[0] : NULL, 1, &votes);

	if (code == 0)
		code = ctl_open(ctl, CTL_VOTES);
	if (code != 0)
		return code;
	cs_error_t error = votequorum_setexpected(ctl->votes, votes);
	if (error == CS_ERR_INVALID_PARAM)
		return ctl_fail(ctl, CTL_REFUSED, "coterie-ctl quorum shows the votes that are there",
			"expected votes %" PRIu32 " would be below the votes present, or end this quorum", votes);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum set-expected", error);
	snprintf(text, sizeof(text), "expected votes are %" PRIu32 " now", votes);
	put_text(data, "text", text);
	return CTL_GOOD;
}

int quorum_set_votes(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	uint32_t votes = 0, node = 0;
	const char *votes_word = NULL, *node_word = NULL;
	char text[128];

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--node") == 0)
			node_word = i + 1 < argc ? argv[++i] : "";
		else if (strncmp(argv[i], "--node=", 7) == 0)
			node_word = argv[i] + 7;
		else if (votes_word == NULL)
			votes_word = argv[i];
		else
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum set-votes takes no '%s'", argv[i]);
	}
	int code = parse_u32(ctl, "quorum set-votes", votes_word, 0, &votes);
	if (code == 0)
		code = ctl_open(ctl, CTL_VOTES);
	if (code == 0 && node_word != NULL) {
		struct json_object *nodes = fact_nodes(ctl);

		node = fact_find_node(nodes, node_word);
		json_object_put(nodes);
		if (node == 0)
			code = ctl_fail(ctl, CTL_USAGE, "coterie-ctl members lists the nodes",
				"quorum set-votes: no node '%s'", node_word);
	}
	if (code != 0)
		return code;
	if (node == 0)
		node = fact_local(ctl);
	cs_error_t error = votequorum_setvotes(ctl->votes, node, votes);
	if (error == CS_ERR_INVALID_PARAM)
		return ctl_fail(ctl, CTL_REFUSED, "coterie-ctl quorum shows the votes that are there",
			"%" PRIu32 " votes for node %" PRIu32 " would break the quorum", votes, node);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum set-votes", error);
	snprintf(text, sizeof(text), "node %" PRIu32 " has %" PRIu32 " votes now", node, votes);
	put_text(data, "text", text);
	return CTL_GOOD;
}

int quorum_drop_qdevice(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct votequorum_info info;

	(void)argv;
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum drop-qdevice takes no argument");
	int code = ctl_open(ctl, CTL_VOTES);
	if (code != 0)
		return code;
	cs_error_t error = votequorum_getinfo(ctl->votes, 0, &info);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum drop-qdevice", error);
	if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) == 0) {
		put_text(data, "text", "no quorum device is registered");
		return CTL_GOOD;
	}
	error = votequorum_qdevice_unregister(ctl->votes, info.qdevice_name);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum drop-qdevice", error);
	put_text(data, "text", "the quorum device is unregistered");
	return CTL_GOOD;
}

int quorum_unblock(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)argv;
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum unblock takes no argument");
	int code = ctl_open(ctl, CTL_VOTES);
	if (code == 0)
		code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	if (!ctl->is_confirmed && isatty(STDIN_FILENO)) {
		char word[16];

		fprintf(stderr, "This partition may become quorate while another one is. Are all missing nodes off? "
				"(yes/no) ");
		alarm(0); /* a person takes the time */
		if (fgets(word, sizeof(word), stdin) == NULL || strcmp(word, "yes\n") != 0)
			return ctl_fail(ctl, CTL_REFUSED, NULL, "quorum unblock: not confirmed");
	} else if (!ctl->is_confirmed) {
		return ctl_fail(ctl, CTL_REFUSED, "be sure that all missing nodes are off, and say --yes",
			"quorum unblock: not confirmed");
	}
	cs_error_t error = cmap_set_uint8(ctl->config, "quorum.cancel_wait_for_all", 1);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum unblock", error);
	put_text(data, "text", "the cluster waits for missing nodes no longer");
	return CTL_GOOD;
}
