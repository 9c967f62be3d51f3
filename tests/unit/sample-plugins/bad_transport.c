/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport that crashes in an operation. AT_MULTICAST and AT_TOKEN are statements that run there. */
#include <signal.h>

#include <coterie/transport.h>

#ifndef AT_MULTICAST
#define AT_MULTICAST
#endif
#ifndef AT_LINK_UP
#define AT_LINK_UP
#endif

static const struct coterie_host *host;

static int bad_open(const struct coterie_host *given, struct coterie_ctx *ctx, void **self)
{
	host = given;
	*self = ctx;
	return 0;
}

static void bad_close(void *self) { (void)self; }

static int bad_link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	(void)local;
	AT_LINK_UP;
	host->link_state(self, link, 1, "up");
	return 0;
}

static int bad_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	(void)self, (void)link, (void)nodeid, (void)address;
	return 0;
}

static void bad_peer_del(void *self, uint32_t link, uint32_t nodeid) { (void)self, (void)link, (void)nodeid; }

static int bad_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	(void)self, (void)frames;
	AT_MULTICAST;
	return (int)count;
}

static int bad_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	(void)self, (void)nodeid, (void)frame;
	return 0;
}

static const struct coterie_transport ops = {
	.size = sizeof(ops),
	.links_max = 1,
	.frame_size_max = 1500,
	.netmtu = 1500,
	.open = bad_open,
	.close = bad_close,
	.link_up = bad_link_up,
	.peer_add = bad_peer_add,
	.peer_del = bad_peer_del,
	.multicast = bad_multicast,
	.token = bad_token,
};

COTERIE_PLUGIN(badt, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0", .description = "does something wrong",
	.needs = COTERIE_CAP_TRANSPORT, .ops = &ops);
