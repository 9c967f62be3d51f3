/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of the mock host that replace a service, as exec/life/plugin_replace.c does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/mock_private.h"

static uint64_t host_client_id(struct coterie_client *client) { return client->number; }

static struct coterie_client *host_client_find(struct coterie_ctx *host, uint64_t number)
{
	struct coterie_client *client = host->clients;

	while (client != NULL && client->number != number)
		client = client->next;
	return client;
}

void mock_life_table(struct coterie_host *table)
{
	table->client_id = host_client_id;
	table->client_find = host_client_find;
}

static int no_map_set(struct coterie_ctx *host, const char *key, uint32_t type, const void *value, uint32_t size)
{
	(void)host, (void)key, (void)type, (void)value, (void)size;
	return 0;
}

/*
 * Start a new instance while the old one still runs. The new one can neither send nor set keys yet. @return NULL: its
 * init() failed
 */
static void *start_beside(struct coterie_ctx *host, const struct coterie_service *ops)
{
	struct coterie_host table = host->table;
	int ring_send_rc = host->ring_send_rc, publish_rc = host->publish_rc;
	void *self = NULL;

	host->ring_send_rc = -EAGAIN;
	host->publish_rc = 1;
	host->quorum_run = NULL; /* the new plugin registers its own callbacks */
	host->rekey_run = NULL;
	host->table.map_set = no_map_set;
	host->is_beside = true;
	int rc = ops->init(&host->table, host, &self);
	host->is_beside = false;
	host->table = table;
	if (rc < 0)
		self = NULL;
	host->ring_send_rc = ring_send_rc;
	host->publish_rc = publish_rc;
	return self;
}

/* Exchange the client_data of the two instances in each client. */
static void swap_data(struct coterie_ctx *host)
{
	for (struct coterie_client *client = host->clients; client != NULL; client = client->next) {
		void *data = client->data;

		client->data = client->data_beside;
		client->data_beside = data;
	}
}

static void fresh_data(struct coterie_ctx *host, uint32_t size)
{
	for (struct coterie_client *client = host->clients; client != NULL; client = client->next)
		client->data_beside = mock_need(calloc(1, size + 1));
}

static void drop_data(struct coterie_ctx *host)
{
	for (struct coterie_client *client = host->clients; client != NULL; client = client->next) {
		free(client->data_beside);
		client->data_beside = NULL;
	}
}

/*
 * Start a new instance and load the state. @return 0: *self is the new instance; -ECANCELED: init failed; otherwise the
 * error of state_load
 */
static int hand_over(
	struct coterie_ctx *host, const struct coterie_service *ops, void **self, const void *blob, uint32_t size)
{
	void (*quorum_run)(void *, const struct coterie_quorum *) = host->quorum_run;
	void (*rekey_run)(void *) = host->rekey_run;
	void *quorum_arg = host->quorum_arg, *rekey_arg = host->rekey_arg;
	void *beside = start_beside(host, ops);

	int rc = -ECANCELED;
	if (beside != NULL) {
		fresh_data(host, ops->client_size);
		swap_data(host);
		host->is_beside = true;
		rc = ops->state_load(beside, blob, size);
		host->is_beside = false;
	}
	if (rc == 0) {
		ops->fini(*self);
		*self = beside;
	} else {
		if (beside != NULL) {
			swap_data(host); /* clients belong to the old instance again */
			host->is_beside = true;
			ops->fini(beside);
			host->is_beside = false;
		}
		host->quorum_run = quorum_run;
		host->quorum_arg = quorum_arg;
		host->rekey_run = rekey_run;
		host->rekey_arg = rekey_arg;
	}
	mock_stats_settle(host, rc == 0);
	drop_data(host);
	return rc;
}

int mock_replace(struct coterie_ctx *host, const struct coterie_service *ops, void **self, bool is_thorough)
{
	void *blob = NULL, *again = NULL, *cut;
	uint32_t size = 0, size_again = 0;
	int rc = ops->state_save(*self, &blob, &size);

	if (rc < 0)
		return rc;
	/*
	 * Pass the state cut off at each length. Each copy has exactly that many bytes, so that a sanitizer reports a
	 * read beyond its end.
	 */
	for (uint32_t left = 0; is_thorough && left < size && rc == 0; left += size > 2000 ? size / 500 : 1) {
		cut = mock_need(malloc(left + (left == 0)));
		memcpy(cut, blob, left);
		rc = hand_over(host, ops, self, cut, left);
		free(cut);
		if (rc == -ECANCELED)
			break;
		rc = rc == -ENOTSUP || rc == -EINVAL ? 0 : -EPROTO;
	}
	if (rc == 0)
		rc = hand_over(host, ops, self, blob, size);
	if (rc == 0)
		rc = ops->state_save(*self, &again, &size_again);
	if (rc == 0 && size != size_again) /* the size may differ only because descriptors have other numbers */
		rc = -EILSEQ;
	free(blob);
	free(again);
	return rc;
}
