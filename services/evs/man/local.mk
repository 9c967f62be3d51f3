# SPDX-License-Identifier: BSD-3-Clause
# services/evs/man: libevs, section 3.
dist_man_MANS += \
	%D%/evs_context_get.3 %D%/evs_context_set.3 %D%/evs_dispatch.3 %D%/evs_fd_get.3 \
	%D%/evs_finalize.3 %D%/evs_initialize.3 %D%/evs_join.3 %D%/evs_leave.3 \
	%D%/evs_mcast_groups.3 %D%/evs_mcast_joined.3 %D%/evs_membership_get.3 %D%/evs_overview.3
