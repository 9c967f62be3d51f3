# services/votequorum: the vote counting quorum provider.
