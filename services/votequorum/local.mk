# services/votequorum: the vote counting quorum provider.

include services/votequorum/lib/local.mk
