# SPDX-License-Identifier: BSD-3-Clause
# services/sam/man: libsam, section 3.
dist_man_MANS += \
	%D%/sam_data_getsize.3 %D%/sam_data_restore.3 %D%/sam_data_store.3 %D%/sam_finalize.3 \
	%D%/sam_hc_callback_register.3 %D%/sam_hc_send.3 %D%/sam_initialize.3 %D%/sam_mark_failed.3 \
	%D%/sam_overview.3 %D%/sam_register.3 %D%/sam_start.3 %D%/sam_stop.3 %D%/sam_warn_signal_set.3
