# services/cfg/man: libcfg, section 3.
