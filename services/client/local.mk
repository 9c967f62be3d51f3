# services/client: sources, tests and data of this folder.
