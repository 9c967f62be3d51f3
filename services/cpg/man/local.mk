# services/cpg/man: libcpg, section 3.
