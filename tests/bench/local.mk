# tests/bench: sources, tests and data of this folder.
