# tests/cluster: sources, tests and data of this folder.
