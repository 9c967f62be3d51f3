# conf: sources, tests and data of this folder.
