/* SPDX-License-Identifier: BSD-3-Clause */
/* A quorum provider of a third party, with only what a configuration needs. Its init() is never called. */
#include <errno.h>
#include <string.h>

#include <coterie/service.h>

static const struct coterie_option options[] = {
	{.name = "size",
		.type = COTERIE_OPT_U32,
		.initial = "12",
		.min = 1,
		.max = 24,
		.help = "jurors",
		.legacy = "quorum.jury_size"},
};

static void check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	const struct coterie_config_key *two_node = view->find(view, "quorum.two_node");

	if (view->provider == NULL || strcmp(view->provider, "jury") != 0)
		return;
	if (view->service(view, "quorum") == NULL)
		report->error(report, view->service(view, "jury"), "service 'jury' needs service 'quorum': add it");
	if (two_node != NULL)
		report->error(
			report, two_node, "a jury has no use for '%s': remove it", view->name(view, two_node->key));
}

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	(void)host, (void)ctx, (void)self;
	return -ENOSYS;
}
static void fini(void *self) { (void)self; }

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 47,
	.init = init,
	.fini = fini,
};

COTERIE_PLUGIN(jury, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "twelve of them",
	.needs = COTERIE_CAP_QUORUM, .offers = COTERIE_CAN_QUORUM, COTERIE_OPTIONS(options), .ops = &ops,
	.check = check);
