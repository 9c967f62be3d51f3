# SPDX-License-Identifier: BSD-3-Clause
dist_man_MANS += %D%/coterie-control.7
