/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of processes at the limits of the CPG service, delivered to node 1 of the fixture (cpg_case.h), and their cost. */
#ifndef TESTS_UNIT_CPG_LISTS_H
#define TESTS_UNIT_CPG_LISTS_H

#include "tests/unit/services/cpg/cpg_case.h"

#include "services/cpg/cpg.h"

#define TURN_NS 100000u        /* time between two turns of a snapshot, or of groups that are settled */
#define TURN_MAX_NS 400000000u /* longest turn. docs/message-costs.md has the figures of a quiet machine */

/** Return the CPU time of this thread. The time that it waits for a processor does not count. */
uint64_t lists_cpu_ns(void);
/**
 * Print and check a cost. The limit is many times the figures of docs/message-costs.md, since sanitizers and a loaded
 * machine take that long.
 */
void lists_check_cost(const char *what, uint64_t spent_ns, uint64_t most_ns);

/** Return the name of a group, one of 2^32. It differs from all others in its last bytes only. */
struct cpg_wire_name lists_name(uint32_t number);
/** Deliver a message of the ring, with its header, to node 1. */
void lists_message(uint32_t from, uint32_t function, const void *message, uint32_t size);
/** Deliver a PROCJOIN or PROCLEAVE to node 1. */
void lists_process(uint32_t from, uint32_t function, const struct cpg_wire_name *name, uint32_t pid);
/**
 * Deliver JOINLISTs of node `from` to node 1 alone, with `count` processes, each in a group of its own or all in one. The
 * processes differ from those of calls with other values of first .. first + count.
 */
void lists_deliver(uint32_t from, uint32_t first, uint32_t count, bool is_one_group);

/** Return the number of memberships that node 1 lists. */
uint32_t lists_count(void);
/** Run the loop of node 1 until all groups are settled. @return the CPU time of the longest turn */
uint64_t lists_settle(void);
/** Return the number of entries of an iteration, the one that the user's answer `reply` has begun. */
uint32_t lists_walk(struct cpg_user *user, uint32_t reply);

#endif
