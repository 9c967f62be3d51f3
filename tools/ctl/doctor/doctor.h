/* SPDX-License-Identifier: BSD-3-Clause */
/* The command `coterie-ctl doctor`. */
#ifndef TOOLS_CTL_DOCTOR_DOCTOR_H
#define TOOLS_CTL_DOCTOR_DOCTOR_H

#include "tools/ctl/ctl.h"

int doctor_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void doctor_print(const struct ctl *ctl, struct json_object *data);

#endif
