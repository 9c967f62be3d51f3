/*
 * Everything that libcpg can do. The defects have the numbers of
 * book compatibility, "Client libraries".
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_CPG_MATRIX_H
#define TESTS_INTEROP_CPG_MATRIX_H

#include <corosync/cpg.h>

#include "tests/interop/matrix.h"

/** Callbacks that print, and count into events_seen. */
extern cpg_callbacks_t printing;
extern cpg_model_v1_data_t printing_v1;
extern bool is_silent; /* count, do not print */

/** Called by the printing deliver callback after it has printed. NULL: nothing is called. */
extern void (*deliver_hook)(cpg_handle_t handle);

struct cpg_name name_of(const char *text);

/** Connect with printing callbacks. Ends the program after 10 s without success. */
cpg_handle_t connect_printing(void);

/** Call cpg_join(), and repeat it on "try again". @return the code of the last call */
cs_error_t join_patiently(cpg_handle_t handle, const struct cpg_name *name);

/** Call cpg_leave(), and repeat it on "try again". @return the code of the last call */
cs_error_t leave_patiently(cpg_handle_t handle, const struct cpg_name *name);

/** Call cpg_mcast_joined() with one vector, and repeat it on "try again". @return the code of the last call */
cs_error_t send_patiently(cpg_handle_t handle, const void *message, size_t size);

/** The scenes for each state of the daemon. */
void part_absent(pid_t daemon);
void part_starting(pid_t daemon);
void part_live(pid_t daemon);
void part_messages(pid_t daemon);
void part_defects(pid_t daemon);
void part_paused(pid_t daemon);
void part_dying(pid_t daemon, int signal_number);

/** Join a group and print its events. Each line on standard input makes this member send one message. */
void part_ring(pid_t daemon);

#endif
