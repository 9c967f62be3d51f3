# tests/abi: sources, tests and data of this folder.
