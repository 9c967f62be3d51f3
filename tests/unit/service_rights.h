/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access rights that the requests of a service need, compared with a table in the service's test. Such a table
 * repeats the one of the service on purpose: a flag that is lost there gives a client a right that nobody meant to give.
 */
#ifndef UNIT_SERVICE_RIGHTS_H
#define UNIT_SERVICE_RIGHTS_H

#include <check.h>

#include <coterie/service.h>

/** One request, and the right that it needs. */
struct service_right {
	uint32_t request; /* its id */
	uint32_t right;   /* COTERIE_RIGHT_* */
};

/** Return the right that a client needs for a request: include/coterie/service.h, COTERIE_OBSERVES. */
static inline uint32_t service_right_of(const struct coterie_request *request)
{
	if ((request->flags & COTERIE_ADMINISTERS) != 0)
		return COTERIE_RIGHT_ADMINISTER;
	return (request->flags & COTERIE_OBSERVES) != 0 ? COTERIE_RIGHT_OBSERVE : COTERIE_RIGHT_USE;
}

/**
 * Check that the plugin's service has these requests and no others, and that each needs this right. A plugin with a
 * request for administrators must name COTERIE_CAP_RIGHTS, since executives without it ignore the flags.
 *
 * @param want  count elements, in the order of the requests' ids
 */
static inline void service_rights_check(
	const struct coterie_plugin *plugin, const struct service_right *want, uint32_t count)
{
	const struct coterie_service *service = plugin->ops;

	ck_assert_uint_eq(service->request_count, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct coterie_request *request = &service->requests[i];

		ck_assert_uint_eq(request->id, want[i].request);
		ck_assert_msg(service_right_of(request) == want[i].right, "request %u needs the right %u, not %u",
			request->id, service_right_of(request), want[i].right);
		if (want[i].right == COTERIE_RIGHT_ADMINISTER)
			ck_assert_uint_ne(plugin->needs & COTERIE_CAP_RIGHTS, 0);
	}
}

#define SERVICE_RIGHTS_CHECK(plugin, want) \
	service_rights_check(plugin, want, (uint32_t)(sizeof(want) / sizeof((want)[0])))

#endif
