/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of the template for transports: mock hosts, and real sockets in a folder that only this test
 * uses.
 */
#ifndef TESTS_UNIT_UNIXGRAM_CASE_H
#define TESTS_UNIT_UNIXGRAM_CASE_H

#include <check.h>

#include "plugins/template-transport/unixgram.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin unixgram_LTX_coterie_plugin;

#define MS UINT64_C(1000000)
#define NODES 3
#define PROBE_MS 25

extern const struct coterie_transport *ops;
extern struct coterie_ctx *hosts[NODES];
extern void *nodes[NODES];
extern char root[32], folder[48];
extern const struct sockaddr nowhere;

TCase *unixgram_case_add_ring(Suite *suite);
TCase *unixgram_case_add_alone(Suite *suite);

void node_open(uint32_t node);
void node_close(uint32_t node);
void start(uint32_t node);
void advance_ms(uint32_t node, uint64_t ms);
const char *path_of(const char *name);
bool exists(const char *name);
/** Open a socket that belongs to no node. name NULL: the socket has no name. */
int stranger(const char *name);
struct sockaddr_un address_at(const char *path);
struct sockaddr_un address_of(const char *name);
ssize_t send_to(int fd, const char *name, const void *bytes, size_t size);
/** Serve all nodes until this one has received `count` frames. */
void receive(uint32_t node, uint32_t count);
void receive_nothing(uint32_t node);
uint32_t number_of(const struct mock_message *message);
/** Let a node multicast frames that begin with their number. */
void multicast(uint32_t node, uint32_t size, uint32_t first, uint32_t count);
struct coterie_transport_stats stats_of(uint32_t node);

#endif
