# services/cfg: administration: status, shutdown, reload.
