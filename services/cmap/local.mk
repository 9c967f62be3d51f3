# services/cmap: the configuration map for clients.
