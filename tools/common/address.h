/*
 * Addresses of nodes, as libcfg returns them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_ADDRESS_H
#define TOOLS_COMMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <corosync/cfg.h>

enum {
	/* Characters of an address or name, NUL included. */
	ADDRESS_TEXT_MAX = 1025,
};

/** The addresses of one node, one for each link. A link without an address has the family 0. */
struct node_addresses {
	corosync_cfg_node_address_t links[CFG_MAX_LINKS];
	size_t count;
};

/**
 * Get the addresses of a node.
 *
 * @param addresses filled in on success; count is 0 if the node has none
 * @return CS_OK; the error of libcfg, CS_ERR_NOT_EXIST for an unknown node
 */
cs_error_t node_addresses_get(corosync_cfg_handle_t cfg, unsigned int node_id, struct node_addresses *addresses);

/**
 * Write an address as numeric text.
 * @param text filled in with at most ADDRESS_TEXT_MAX characters, or empty
 * @return false: there is no address
 */
bool address_text(const corosync_cfg_node_address_t *address, char text[ADDRESS_TEXT_MAX]);

/**
 * Find the host name of an address. If it has none, use the address itself. The call may block as long as the resolver
 * does.
 *
 * @param text as in address_text; also empty if the resolver fails
 * @return false: there is neither a name nor an address
 */
bool address_name(const corosync_cfg_node_address_t *address, char text[ADDRESS_TEXT_MAX]);

#endif
