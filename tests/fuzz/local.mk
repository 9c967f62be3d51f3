# tests/fuzz: sources, tests and data of this folder.
