# services/quorum: the quorum verdict for clients.
