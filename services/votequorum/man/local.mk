# SPDX-License-Identifier: BSD-3-Clause
# services/votequorum/man: libvotequorum, section 3; the options of the provider, section 5.
dist_man_MANS += \
	%D%/votequorum.5 %D%/votequorum_context_get.3 %D%/votequorum_context_set.3 \
	%D%/votequorum_dispatch.3 %D%/votequorum_fd_get.3 %D%/votequorum_finalize.3 \
	%D%/votequorum_get_qdevice_extra_info.3 %D%/votequorum_getinfo.3 %D%/votequorum_initialize.3 \
	%D%/votequorum_model_initialize.3 %D%/votequorum_set_qdevice_extra_info.3 \
	%D%/votequorum_overview.3 \
	%D%/votequorum_qdevice_master_wins.3 %D%/votequorum_qdevice_poll.3 \
	%D%/votequorum_qdevice_register.3 %D%/votequorum_qdevice_unregister.3 \
	%D%/votequorum_qdevice_update.3 %D%/votequorum_setexpected.3 %D%/votequorum_setvotes.3 \
	%D%/votequorum_trackstart.3 %D%/votequorum_trackstop.3
