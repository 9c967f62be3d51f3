# services/evs: extended virtual synchrony for clients.
