/* Reading the configuration again, on all nodes at the same place of the order (spec 06c.1). */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#define CS_OK 1
#define CS_ERR_INVALID_PARAM 7
#define CS_ERR_NO_MEMORY 8

static struct cfg_reload *reload_create(struct cfg *cfg, struct coterie_client *client)
{
	struct cfg_reload *reload = calloc(1, sizeof(*reload));
	struct cfg_reload **end = &cfg->reloads;

	if (reload == NULL)
		return NULL;
	while (*end != NULL)
		end = &(*end)->next;
	reload->cfg = cfg;
	reload->client = client;
	*end = reload;
	return reload;
}

static void reload_destroy(struct cfg_reload *reload)
{
	struct cfg_reload **place = &reload->cfg->reloads;

	while (*place != reload)
		place = &(*place)->next;
	*place = reload->next;
	free(reload);
}

/* The one that the delivered message was sent for, or one without a client. NULL: out of memory. */
static struct cfg_reload *reload_delivered(struct cfg *cfg, bool is_ours, uint64_t cookie)
{
	for (struct cfg_reload *one = cfg->reloads; one != NULL && is_ours; one = one->next) {
		if (one->cookie == cookie && !one->is_delivered)
			return one;
	}
	return reload_create(cfg, NULL);
}

/* The oldest of those that were read for, or NULL. */
static struct cfg_reload *find_read(const struct cfg *cfg)
{
	struct cfg_reload *reload = cfg->reloads;

	while (reload != NULL && !reload->is_read)
		reload = reload->next;
	return reload;
}

static void on_done(void *arg, int rc, const char *text)
{
	struct cfg *cfg = arg;
	int32_t error = rc == 0 ? CS_OK : rc == -ENOMEM ? CS_ERR_NO_MEMORY : CS_ERR_INVALID_PARAM;
	struct cfg_reload *reload;

	(void)text; /* the executive has logged it */
	cfg->is_reading = false;
	while ((reload = find_read(cfg)) != NULL) {
		struct coterie_client *client = reload->client;

		reload_destroy(reload);
		if (client != NULL)
			cfg->host->reply(client, CFG_RES_RELOAD_CONFIG, error, NULL, 0);
	}
	cfg_rekey_reload_ends(cfg);
	cfg_reload_next(cfg);
}

static bool is_any_waiting(const struct cfg *cfg)
{
	for (const struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next)
		if (one->is_delivered)
			return true;
	return false;
}

void cfg_reload_next(struct cfg *cfg)
{
	if (cfg->is_reading || !is_any_waiting(cfg) || !cfg_rekey_allows_reload(cfg))
		return;
	for (struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next)
		one->is_read = one->is_delivered;
	cfg->is_reading = true;

	int rc = cfg->host->reload(cfg->ctx, on_done, cfg);

	if (rc < 0)
		on_done(cfg, rc, "");
}

int cfg_handle_reload_config(
	void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_reload *reload = reload_create(cfg, client);

	(void)msg, (void)size;
	if (reload == NULL)
		return -ENOMEM;
	reload->cookie = cfg->next_cookie++;

	struct cfg_ring_reload_config message = {
		.nodeid = cfg->host->local_nodeid(cfg->ctx), .cookie = reload->cookie};
	struct iovec iov = {(uint8_t *)&message + sizeof(message.header),
		sizeof(message) - sizeof(message.header)};
	int rc = cfg->host->ring_send(cfg->ctx, CFG_RING_RELOAD_CONFIG, COTERIE_SAFE, &iov, 1);

	if (rc < 0) {
		reload_destroy(reload);
		return rc;
	}
	return COTERIE_LATER;
}

void cfg_swap_reload_config(void *msg, uint32_t size)
{
	struct cfg_ring_reload_config *message = msg;

	(void)size;
	message->nodeid = __builtin_bswap32(message->nodeid);
	message->cookie = __builtin_bswap64(message->cookie);
}

void cfg_deliver_reload_config(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_config *message = msg;
	bool is_ours = nodeid == cfg->host->local_nodeid(cfg->ctx);

	(void)size;
	cfg->host->log(cfg->ctx, LOG_NOTICE, "Config reload requested by node %u", nodeid);
	cfg_rekey_reload_asked(cfg);

	struct cfg_reload *reload = reload_delivered(cfg, is_ours, message->cookie);

	if (reload == NULL) {
		cfg->host->log(cfg->ctx, LOG_ERR, "Unable to reload config file: out of memory");
		return;
	}
	reload->is_delivered = true;
	cfg_reload_next(cfg);
}

void cfg_reloads_forget(struct cfg *cfg, const struct coterie_client *client)
{
	for (struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next) {
		if (one->client == client)
			one->client = NULL;
	}
}

void cfg_reloads_free(struct cfg *cfg)
{
	while (cfg->reloads != NULL)
		reload_destroy(cfg->reloads);
}
