/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the tests of the codec: one packet of any type, and copies that a sanitizer guards. */
#ifndef TESTS_UNIT_WIRE_CASE_H
#define TESTS_UNIT_WIRE_CASE_H

#include <stddef.h>
#include <stdint.h>

#include <check.h>

#include "exec/totem/wire.h"
#include "tests/suite.h"

/** An id that is in both kinds of lists, and differs from its swapped form. */
#define SOME_ID 0x01020304u

union packet {
	struct wire_token token;
	struct wire_mcast mcast;
	struct wire_merge_detect merge;
	struct wire_join join;
	struct wire_commit_token commit;
	struct wire_hold_cancel cancel;
};

/** Return a copy that ends with its allocation, so that a sanitizer notices a read beyond it. The caller frees it. */
uint8_t *exact(const void *bytes, size_t size);

/** Decode with the decoder of a type, which may be another than the packet's. */
enum wire_refusal decode_as(enum wire_type type, const uint8_t *bytes, size_t size, union packet *packet);

/** Decode the header, and the rest of the packet by its type. */
enum wire_refusal decode(const uint8_t *bytes, size_t size, struct wire_header *header, union packet *packet);

#endif
