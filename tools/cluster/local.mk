# SPDX-License-Identifier: BSD-3-Clause
# tools/cluster: clusters by commands of coterie-ctl (cluster create, node add, node remove, link add).
# Pure parts first: texts in, texts out.
cluster_text_sources = \
	tools/cluster/conf.h tools/cluster/conf_edit.c tools/cluster/conf_make.c tools/cluster/conf_read.c tools/cluster/conf_scan.c \
	tools/cluster/plan.c tools/cluster/plan.h tools/cluster/words.c tools/cluster/words.h \
	$(lookup_sources)
cluster_sources = \
	$(cluster_text_sources) \
	tools/cluster/agent.c tools/cluster/agent.h tools/cluster/agent_daemon.c tools/cluster/agent_facts.c \
	tools/cluster/agent_files.c tools/cluster/by_hand.c tools/cluster/by_hand.h tools/cluster/change.c tools/cluster/change.h \
	tools/cluster/commands.c tools/cluster/commands.h tools/cluster/diff.c tools/cluster/hex.c tools/cluster/peer.c \
	tools/cluster/peer.h tools/cluster/peer_facts.c tools/cluster/secret.c tools/cluster/show.c
