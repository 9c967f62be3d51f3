# SPDX-License-Identifier: BSD-3-Clause
# The tools, Debian's and ours, at either daemon.
check_PROGRAMS += %D%/tools_client
%C%_tools_client_SOURCES = %D%/tools_client.c
%C%_tools_client_LDFLAGS = $(cluster_ldflags)
%C%_tools_client_LDADD = libcpg.la libcfg.la libquorum.la libvotequorum.la libcorosync_common.la
dist_check_SCRIPTS += %D%/tools.sh %D%/tools_knet.sh
dist_check_DATA += %D%/tools_lab.sh
dist_check_DATA += $(tool_transcripts)
tool_transcripts = \
	%D%/tools/absent.commands %D%/tools/absent.txt %D%/tools/cut.txt %D%/tools/daemon.txt \
	%D%/tools/flags.txt %D%/tools/groups.commands %D%/tools/keys.commands %D%/tools/knet2.txt \
	%D%/tools/knet2-down.txt %D%/tools/knet2-link.txt %D%/tools/monitor.txt \
	%D%/tools/noquorum.txt %D%/tools/notifyd.txt %D%/tools/notifyd-dbus.txt \
	%D%/tools/notifyd-knet.txt %D%/tools/notrunning.txt %D%/tools/options.commands \
	%D%/tools/pacemaker-groups.txt %D%/tools/qdevice-split.txt %D%/tools/reload-bad.txt \
	%D%/tools/reload.commands %D%/tools/single-knet.txt %D%/tools/single-udpu.txt \
	%D%/tools/status.commands %D%/tools/timers.commands %D%/tools/track.txt \
	%D%/tools/twonode.txt %D%/tools/udpu3.txt %D%/tools/udpu3b.txt %D%/tools/votes.commands
TESTS += %D%/tools.sh %D%/tools_knet.sh

# A transcript of corosync-vqsim.
dist_check_SCRIPTS += %D%/vqsim.sh
dist_check_DATA += %D%/tools/vqsim.txt
TESTS += %D%/vqsim.sh
sanitized_scripts += %D%/vqsim.sh
