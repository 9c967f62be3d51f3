# tests/abi: public headers and client libraries against Corosync's; libraries.txt names them.
dist_check_SCRIPTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
dist_check_DATA += \
	%D%/libraries.txt %D%/layout.h \
	%D%/layout_corotypes.c %D%/libcorosync_common.symbols \
	%D%/layout_cfg.c %D%/libcfg.symbols \
	%D%/layout_cmap.c %D%/libcmap.symbols \
	%D%/layout_cpg.c %D%/libcpg.symbols \
	%D%/layout_evs.c %D%/libevs.symbols \
	%D%/layout_quorum.c %D%/libquorum.symbols \
	%D%/layout_votequorum.c %D%/libvotequorum.symbols
TESTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
dist_check_DATA += %D%/layout_sam.c %D%/libsam.symbols

# What the tests of the plugin templates share.
dist_check_DATA += %D%/sdk.sh
