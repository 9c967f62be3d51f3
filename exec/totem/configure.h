/* SPDX-License-Identifier: BSD-3-Clause */
/* The installation of a configuration. */
#ifndef TOTEM_CONFIGURE_H
#define TOTEM_CONFIGURE_H

struct totem_engine;

void configure_install(struct totem_engine *engine);

#endif
