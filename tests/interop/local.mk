# Rings of coterie and Debian's corosync mixed; tests/cluster has the library.
interop_scripts = \
	%D%/mixed_1_2_order.sh %D%/mixed_1_2_faults.sh %D%/mixed_2_1_order.sh %D%/mixed_2_1_faults.sh
dist_check_SCRIPTS += $(interop_scripts)
TESTS += $(interop_scripts)
