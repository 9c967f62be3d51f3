# exec/config: sources, tests and data of this folder.
