/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_seq.h"

#include "exec/ring/state_dir.h"
#include "exec/totem/engine.h"

static uint64_t ahead_of(uint64_t number)
{
	return number <= TOTEM_RING_SEQ_JUMP_MAX - RING_SEQ_AHEAD ? number + RING_SEQ_AHEAD : number;
}

static int store(struct ring_seq *seq, uint64_t number)
{
	int rc = state_ring_seq_store(seq->dir, seq->nodeid, number);

	if (rc == 0)
		seq->stored = number;
	return rc;
}

/*
 * Return the number at which a node without a stored one begins: a multiple of 4, since each ring adds 4. The product
 * makes its bits depend on all bits of `random`, so that a poor random number is good enough, too.
 */
static uint64_t fresh_number(uint64_t random)
{
	return random * UINT64_C(0x9E3779B97F4A7C15) >> (64 - RING_SEQ_FRESH_BITS) << 2;
}

int ring_seq_load(struct ring_seq *seq, const char *dir, uint32_t nodeid, uint64_t random)
{
	*seq = (struct ring_seq){.dir = dir, .nodeid = nodeid};

	int rc = state_ring_seq_load(dir, nodeid, &seq->used);

	if (rc == 0 && seq->used == 0)
		seq->used = fresh_number(random);
	seq->stored = seq->used;
	return rc;
}

/*
 * Return whether the use of this number gives up the stored numbers: other nodes refuse such large ones. A restarted
 * node must not go back to them.
 */
static bool is_given_up(const struct ring_seq *seq, uint64_t number)
{
	return seq->stored > TOTEM_RING_SEQ_JUMP_MAX && number <= TOTEM_RING_SEQ_JUMP_MAX;
}

int ring_seq_use(struct ring_seq *seq, uint64_t number)
{
	bool gives_up = is_given_up(seq, number);
	int rc = number <= seq->stored && !gives_up ? 0 : store(seq, ahead_of(number));

	if (rc == 0 && (number > seq->used || gives_up))
		seq->used = number;
	return rc;
}

int ring_seq_expect(struct ring_seq *seq, uint64_t number)
{
	bool is_needed = number > seq->stored && number - seq->stored <= RING_SEQ_LEAP;

	return is_needed ? store(seq, ahead_of(number)) : 0;
}

bool ring_seq_is_low(const struct ring_seq *seq)
{
	return ahead_of(seq->used) > seq->stored && seq->stored - seq->used < RING_SEQ_AHEAD / 2;
}

int ring_seq_store_ahead(struct ring_seq *seq)
{
	return ahead_of(seq->used) > seq->stored ? store(seq, ahead_of(seq->used)) : 0;
}
