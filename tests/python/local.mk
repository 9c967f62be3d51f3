# SPDX-License-Identifier: BSD-3-Clause
# The Python package of bindings/python.
dist_check_DATA += %D%/common.sh %D%/instance.sh %D%/examples.py %D%/layout.hh %D%/layout.py %D%/run.py %D%/services.py %D%/table.py \
	%D%/uses.py %D%/units.py %D%/watch.py
python_scripts = %D%/daemon.sh %D%/examples.sh %D%/install.sh %D%/lab.sh %D%/layout.sh %D%/typed.sh %D%/units.sh
dist_check_SCRIPTS += $(python_scripts)
TESTS += $(python_scripts)
