# tests/interop: sources, tests and data of this folder.
