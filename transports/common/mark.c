/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/mark.h"

#include <string.h>

uint32_t mark_read(const struct coterie_host *host, struct coterie_ctx *ctx)
{
	uint32_t type, size, dscp;
	const void *value;

	if (host->map_get(ctx, "runtime.config.totem.ip_dscp", &type, &value, &size) < 0 || type != COTERIE_MAP_U32)
		return 0;
	memcpy(&dscp, value, sizeof(dscp));
	return dscp;
}
