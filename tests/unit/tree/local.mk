# SPDX-License-Identifier: BSD-3-Clause
# Checks of the tree itself: its sources, texts, tables and examples.
tree_unit_scripts = %D%/check_reference.sh %D%/check_includes.sh %D%/check_circles.sh %D%/check_owners.sh \
	%D%/check_prefixes.sh %D%/check_shell.sh %D%/check_headers.sh %D%/check_man.sh %D%/check_costs.sh \
	%D%/check_prose.sh %D%/check_dist.sh %D%/check_commits.sh %D%/check_citations.sh %D%/check_spdx.sh \
	%D%/check_format.sh %D%/newer.sh %D%/agree.sh %D%/examples.sh %D%/ring_ids.sh %D%/options.sh \
	%D%/check_recipes.sh
dist_check_SCRIPTS += $(tree_unit_scripts)
TESTS += $(tree_unit_scripts)
dist_check_DATA += %D%/prose.py %D%/circles.py %D%/owners.py %D%/draw_comments.py %D%/prose.exceptions %D%/newer.txt \
	%D%/examples.py %D%/options.txt

check-shell-long:
	@SHELL_FOLLOW=all bash $(srcdir)/%D%/check_shell.sh
check-long: check-shell-long
.PHONY: check-shell-long
