# plugins/mon: resource monitoring.
