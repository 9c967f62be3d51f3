/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions whose arguments reach every type of the plugin ABI, so that abidiff compares all of them. */
#include <coterie/service.h>
#include <coterie/transport.h>

void abi_descriptor(const struct coterie_plugin *plugin, const struct coterie_option *option);
void abi_host(const struct coterie_host *host);
void abi_service(const struct coterie_service *service, const struct coterie_request *request,
	const struct coterie_ring_msg *msg, const struct coterie_configuration *configuration);
void abi_headers(const struct coterie_request_header *request, const struct coterie_response_header *response,
	const struct coterie_ring_header *ring);
void abi_transport(const struct coterie_transport *transport, const struct coterie_transport_stats *stats,
	const struct coterie_arrival *arrival, const struct coterie_frame *frame, const struct coterie_peer *peer);

void abi_descriptor(const struct coterie_plugin *plugin, const struct coterie_option *option)
{
	(void)plugin, (void)option;
}

void abi_host(const struct coterie_host *host) { (void)host; }

void abi_service(const struct coterie_service *service, const struct coterie_request *request,
	const struct coterie_ring_msg *msg, const struct coterie_configuration *configuration)
{
	(void)service, (void)request, (void)msg, (void)configuration;
}

void abi_headers(const struct coterie_request_header *request, const struct coterie_response_header *response,
	const struct coterie_ring_header *ring)
{
	(void)request, (void)response, (void)ring;
}

void abi_transport(const struct coterie_transport *transport, const struct coterie_transport_stats *stats,
	const struct coterie_arrival *arrival, const struct coterie_frame *frame, const struct coterie_peer *peer)
{
	(void)transport, (void)stats, (void)arrival, (void)frame, (void)peer;
}
