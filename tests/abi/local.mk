# tests/abi: public headers and client libraries against Corosync's.
dist_check_SCRIPTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
dist_check_DATA += %D%/layout.c %D%/libcorosync_common.symbols %D%/libcpg.symbols
TESTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
