/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie-ctl's commands of its own. */
#ifndef TOOLS_CTL_CTL_MAIN_H
#define TOOLS_CTL_CTL_MAIN_H

/** argv[0] is any name. @return exit status: book configuration, "Programs" */
int ctl_main(int argc, char **argv);

#endif
