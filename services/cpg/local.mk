# services/cpg: sources, tests and data of this folder.
include services/cpg/lib/local.mk
include services/cpg/man/local.mk
