# SPDX-License-Identifier: BSD-3-Clause
# The protocol book and its companions, installed with the headers that cite it.
referencedir = $(docdir)/reference
dist_reference_DATA = %D%/reference/client.md %D%/reference/config_report.md %D%/reference/config_view.md %D%/reference/host.md %D%/reference/service.md %D%/reference/testkit.md \
	%D%/reference/transport.md
EXTRA_DIST += %D%/reference.py
dist_doc_DATA += %D%/architecture.md %D%/compact-messages.md %D%/encryption.md %D%/fast-channel.md %D%/glossary.md \
	%D%/ipc-protocol.md %D%/message-costs.md %D%/python.md %D%/simulation.md
protocoldir = $(docdir)/protocol
dist_protocol_DATA = %D%/protocol/README.md %D%/protocol/ring.md %D%/protocol/membership.md %D%/protocol/wire.md \
	%D%/protocol/packing.md %D%/protocol/transports.md %D%/protocol/sync.md %D%/protocol/services.md \
	%D%/protocol/ipc.md %D%/protocol/failure.md %D%/protocol/extensions.md %D%/protocol/encryption.md \
	%D%/protocol/compatibility.md %D%/protocol/configuration.md %D%/protocol/invariants.md
