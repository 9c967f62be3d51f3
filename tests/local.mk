# SPDX-License-Identifier: BSD-3-Clause
# Shared by all tests.
dist_check_DATA += %D%/tap.sh %D%/root13.sh %D%/suite.h
