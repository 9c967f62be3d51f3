# plugins/pload: load generator.
