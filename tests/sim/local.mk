# tests/sim: sources, tests and data of this folder.
