/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Print the results of each client library on this node, one line per service: its name, the code of the initialize
 * call, and that of a call with the resulting handle.
 *
 *         services_ask [NAME...]    the services with these names, or all
 *         services_ask votes        print expected, total, quorum and quorate, as votequorum reports them
 *
 * It waits while a service starts or synchronises. Exit status 0 unless the arguments are wrong.
 */
#include <stdbool.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/evs.h>
#include <corosync/quorum.h>
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#include "client.h"

#define SELF 0 /* the node that is asked */
#define PATIENCE_NS UINT64_C(20000000000)

static void cmap_ask(cs_error_t *connected, cs_error_t *answered)
{
	uint32_t version;
	cmap_handle_t handle = 0;

	*connected = cmap_initialize(&handle);
	*answered = cmap_get_uint32(handle, "runtime.no.such.key", &version);
	cmap_finalize(handle);
}

static void cfg_ask(cs_error_t *connected, cs_error_t *answered)
{
	corosync_cfg_handle_t handle = 0;
	unsigned int nodeid;

	*connected = corosync_cfg_initialize(&handle, NULL);
	*answered = corosync_cfg_local_get(handle, &nodeid);
	corosync_cfg_finalize(handle);
}

static void cpg_ask(cs_error_t *connected, cs_error_t *answered)
{
	cpg_handle_t handle = 0;
	unsigned int nodeid;

	*connected = cpg_initialize(&handle, NULL);
	*answered = cpg_local_get(handle, &nodeid);
	cpg_finalize(handle);
}

static void evs_ask(cs_error_t *connected, cs_error_t *answered)
{
	struct evs_group group = {.key = "ask"};
	evs_handle_t handle = 0;

	*connected = evs_initialize(&handle, NULL);
	*answered = evs_join(handle, &group, 1);
	evs_finalize(handle);
}

static void quorum_ask(cs_error_t *connected, cs_error_t *answered)
{
	quorum_handle_t handle = 0;
	uint32_t type;
	int is_quorate;

	*connected = quorum_initialize(&handle, NULL, &type);
	*answered = quorum_getquorate(handle, &is_quorate);
	quorum_finalize(handle);
}

static void votequorum_ask(cs_error_t *connected, cs_error_t *answered)
{
	struct votequorum_info info;
	votequorum_handle_t handle = 0;

	*connected = votequorum_initialize(&handle, NULL);
	*answered = votequorum_getinfo(handle, SELF, &info);
	votequorum_finalize(handle);
}

/* Call libsam with a policy for which it needs the service quorum. libsam has no service of its own. */
static void sam_ask(cs_error_t *connected, cs_error_t *answered)
{
	size_t size;

	*connected = sam_initialize(0, SAM_RECOVERY_POLICY_QUORUM_QUIT);
	*answered = sam_data_getsize(&size);
	if (*connected == CS_OK)
		sam_finalize();
}

static const struct {
	const char *name;
	void (*ask)(cs_error_t *connected, cs_error_t *answered);
} services[] = {
	{"cmap", cmap_ask},
	{"cfg", cfg_ask},
	{"cpg", cpg_ask},
	{"evs", evs_ask},
	{"quorum", quorum_ask},
	{"votequorum", votequorum_ask},
	{"sam", sam_ask},
};

static bool is_wanted(const char *name, char *const *names)
{
	if (*names == NULL)
		return true;
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static void print_votes(void)
{
	struct votequorum_info info = {0};
	votequorum_handle_t handle;
	cs_error_t error = votequorum_initialize(&handle, NULL);

	if (error == CS_OK)
		error = votequorum_getinfo(handle, SELF, &info);
	if (error != CS_OK)
		printf("%s\n", cs_strerror(error));
	else
		printf("expected %u total %u quorum %u%s\n", info.node_expected_votes, info.total_votes, info.quorum,
			info.flags & VOTEQUORUM_INFO_QUORATE ? " quorate" : "");
}

int main(int argc, char **argv)
{
	uint64_t until_ns = client_now_ns() + PATIENCE_NS;

	(void)argc;
	if (argv[1] != NULL && strcmp(argv[1], "votes") == 0) {
		print_votes();
		return 0;
	}
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		cs_error_t connected, answered;

		if (!is_wanted(services[i].name, argv + 1))
			continue;
		services[i].ask(&connected, &answered);
		while ((connected == CS_ERR_TRY_AGAIN || answered == CS_ERR_TRY_AGAIN) && client_now_ns() < until_ns) {
			client_sleep_ms(20);
			services[i].ask(&connected, &answered);
		}
		printf("%s %d %d\n", services[i].name, (int)connected, (int)answered);
	}
	return 0;
}
