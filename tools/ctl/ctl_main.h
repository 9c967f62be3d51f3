/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry point of coterie-ctl. */
#ifndef TOOLS_CTL_CTL_MAIN_H
#define TOOLS_CTL_CTL_MAIN_H

/** Run coterie-ctl. argv[0] may be any name. @return exit status: book configuration, "Programs" */
int ctl_main(int argc, char **argv);

#endif
