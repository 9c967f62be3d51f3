# services/cpg: sources, tests and data of this folder.
