/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transport of a third party, with only what a configuration needs: options with legacy names, and a check. Its
 * operations are never called.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <coterie/transport.h>

static const struct coterie_option options[] = {
	{.name = "color",
		.type = COTERIE_OPT_ENUM,
		.choices = "red green blue",
		.initial = "red",
		.help = "of the light",
		.legacy = "totem.lamp_color"},
	{.name = "blink_time",
		.type = COTERIE_OPT_MS,
		.initial = "100ms",
		.min = 10,
		.max = 5000,
		.help = "of one bit",
		.legacy = "totem.lamp_blink_time"},
	{.name = "mirror", .type = COTERIE_OPT_BOOL, .initial = "no", .help = "of no meaning to Corosync's tools"},
};

/* Check a rule about two keys, and one about the nodes. */
static void check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	const struct coterie_config_key *color = view->find(view, "totem.lamp_color");
	const struct coterie_config_key *blink = view->find(view, "totem.lamp_blink_time");

	if (color != NULL && color->text[0] == 'b' && blink != NULL && strcmp(blink->text, "10") == 0)
		report->error(report, blink, "'%s' is %s ms, too short for a blue light: use 20ms or more",
			view->name(view, blink->key), blink->text);
	for (uint32_t i = 0; i < view->node_count; i++) {
		const struct coterie_config_node *node = (const void *)((const char *)view->nodes +
									(size_t)view->node_size * i);
		char key[64];

		snprintf(key, sizeof(key), "nodelist.node.%" PRIu32 ".nodeid", node->position);
		if (node->nodeid > 100)
			report->warning(report, view->find(view, key),
				"node %" PRIu32 " is hard to see: use ids up to 100", node->nodeid);
	}
}

static int open_lamp(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	(void)host, (void)ctx, (void)self;
	return -ENOSYS;
}
static void close_lamp(void *self) { (void)self; }
static int link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	(void)self, (void)link, (void)local;
	return -ENOSYS;
}
static int peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	(void)self, (void)link, (void)nodeid, (void)address;
	return -ENOSYS;
}
static void peer_del(void *self, uint32_t link, uint32_t nodeid) { (void)self, (void)link, (void)nodeid; }
static int multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	(void)self, (void)frames, (void)count;
	return -ENOSYS;
}
static int token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	(void)self, (void)nodeid, (void)frame;
	return -ENOSYS;
}

static const struct coterie_transport ops = {
	.size = sizeof(struct coterie_transport),
	.links_max = 1,
	.frame_size_max = 65536,
	.netmtu = 1500,
	.open = open_lamp,
	.close = close_lamp,
	.link_up = link_up,
	.peer_add = peer_add,
	.peer_del = peer_del,
	.multicast = multicast,
	.token = token,
};

#ifndef LEGACY
COTERIE_PLUGIN(lamp, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0", .description = "light signals",
	.needs = COTERIE_CAP_TRANSPORT, COTERIE_OPTIONS(options), .ops = &ops, .check = check, .log_name = "LIGHT");
#else
static const struct coterie_option bad_options[] = {
	{.name = "color", .type = COTERIE_OPT_STRING, .legacy = LEGACY, .flags = FLAGS}};

COTERIE_PLUGIN(lamp, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0", .description = "light signals",
	.needs = COTERIE_CAP_TRANSPORT, COTERIE_OPTIONS(bad_options), .ops = &ops, .check = check,
	.log_name = LOG_NAME);
extern const void *const lamp_unused;
const void *const lamp_unused __attribute__((visibility("hidden"))) = options;
#endif
