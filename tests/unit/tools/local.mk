# SPDX-License-Identifier: BSD-3-Clause
# tools/ as a user has them: the commands, with a remote shell that plays all nodes, and completion in the shells.
check_PROGRAMS += %D%/cluster/test_cluster_conf %D%/cluster/test_cluster_plan
TESTS += %D%/cluster/test_cluster_conf %D%/cluster/test_cluster_plan
dist_check_SCRIPTS += %D%/ctl/key_create.sh
TESTS += %D%/ctl/key_create.sh
dist_check_SCRIPTS += %D%/common/output.sh
TESTS += %D%/common/output.sh
check_PROGRAMS += %D%/common/test_blackbox
TESTS += %D%/common/test_blackbox
%C%_common_test_blackbox_SOURCES = %D%/common/test_blackbox.c tools/blackbox.c
%C%_common_test_blackbox_LDADD = $(QB_LIBS) $(CHECK_LIBS)

if HAVE_JSON
dist_check_SCRIPTS += %D%/completion/completion.sh
dist_check_DATA += %D%/completion/typed.py
TESTS += %D%/completion/completion.sh
dist_check_SCRIPTS += %D%/cluster/cluster_commands.sh %D%/cluster/helper_trust.sh
dist_check_DATA += %D%/cluster/cluster_memory.py %D%/cluster/cluster_peer.py %D%/cluster/cluster_signals.py
TESTS += %D%/cluster/cluster_commands.sh %D%/cluster/helper_trust.sh
check_PROGRAMS += %D%/cluster/test_secret
TESTS += %D%/cluster/test_secret
%C%_cluster_test_secret_SOURCES = %D%/cluster/test_secret.c tools/cluster/secret.c
%C%_cluster_test_secret_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
%C%_cluster_test_secret_LDADD = $(CHECK_LIBS)
endif
%C%_cluster_test_cluster_conf_SOURCES = %D%/cluster/test_cluster_conf.c $(cluster_text_sources)
%C%_cluster_test_cluster_conf_LDADD = $(CHECK_LIBS)
%C%_cluster_test_cluster_plan_SOURCES = %D%/cluster/test_cluster_plan.c $(cluster_text_sources)
%C%_cluster_test_cluster_plan_LDADD = $(CHECK_LIBS)
