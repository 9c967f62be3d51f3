# services/quorum: the quorum verdict for clients.

include services/quorum/lib/local.mk
