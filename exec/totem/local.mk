# exec/totem: sources, tests and data of this folder.
