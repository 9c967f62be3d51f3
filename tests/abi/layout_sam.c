/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/sam.h>

static cs_error_t (*const call_initialize)(int, sam_recovery_policy_t) = sam_initialize;
static cs_error_t (*const call_finalize)(void) = sam_finalize;
static cs_error_t (*const call_start)(void) = sam_start;
static cs_error_t (*const call_stop)(void) = sam_stop;
static cs_error_t (*const call_signal)(int) = sam_warn_signal_set;
static cs_error_t (*const call_register)(unsigned int *) = sam_register;
static cs_error_t (*const call_alive)(void) = sam_hc_send;
static cs_error_t (*const call_callback)(int (*)(void)) = sam_hc_callback_register;
static cs_error_t (*const call_size)(size_t *) = sam_data_getsize;
static cs_error_t (*const call_restore)(void *, size_t) = sam_data_restore;
static cs_error_t (*const call_store)(const void *, size_t) = sam_data_store;
static cs_error_t (*const call_failed)(void) = sam_mark_failed;

IS(sam_recovery_policy_t, 4);
IS(sam_hc_callback_t, 8);

int main(void)
{
	NUMBER(SAM_RECOVERY_POLICY_QUIT);
	NUMBER(SAM_RECOVERY_POLICY_RESTART);
	NUMBER(SAM_RECOVERY_POLICY_QUORUM);
	NUMBER(SAM_RECOVERY_POLICY_QUORUM_QUIT);
	NUMBER(SAM_RECOVERY_POLICY_QUORUM_RESTART);
	NUMBER(SAM_RECOVERY_POLICY_CMAP);
	NUMBER(SAM_RECOVERY_POLICY_CONFDB);
	SIZE(sam_recovery_policy_t);
	SIZE(sam_hc_callback_t);
	NUMBER(call_initialize && call_finalize && call_start && call_stop && call_signal && call_register &&
		call_alive && call_callback && call_size && call_restore && call_store && call_failed);
	return 0;
}
