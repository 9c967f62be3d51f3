/* SPDX-License-Identifier: BSD-3-Clause */
/* Look-ups in the tables of a service, with the element size of the ABI that the plugin was built for. */
#include "exec/plugin/plugin.h"

/*
 * Find a request by its id. Ids ascend, so its index is at most its id. Elements are read in place, since larger
 * elements have members that this executive does not know.
 */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id)
{
	const struct coterie_service *service = &plugin->service;
	const char *table = (const char *)service->requests;
	uint32_t wanted = (uint32_t)id;

	if (id < 0)
		return NULL;
	uint32_t place = wanted < service->request_count ? wanted + 1 : service->request_count;
	while (place-- > 0) {
		const struct coterie_request *request = (const void *)(table + (size_t)service->request_size * place);

		if (request->id == wanted)
			return request;
		if (request->id < wanted)
			break;
	}
	return NULL;
}

const struct coterie_ring_msg *plugin_table_ring_msg(const struct plugin *plugin, uint32_t function)
{
	const struct coterie_service *service = &plugin->service;

	if (function >= service->ring_msg_count)
		return NULL;
	return (const void *)((const char *)service->ring_msgs + (size_t)service->ring_msg_size * function);
}
