/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliberate bugs ("mutants"), which show that the checks of the simulator work, and the quirks of Corosync. Without
 * TOTEM_HOOKS both tests are a constant 0 and leave no code behind.
 */
#ifndef TOTEM_HOOKS_H
#define TOTEM_HOOKS_H

/* name, the most seeds that the simulator may need to find the bug, what is broken */
#define TOTEM_MUTANTS(X) \
	X(TOKEN_DUPLICATE, 20, "a retransmitted token is accepted again") \
	X(TOKEN_FOREIGN, 20, "a token of another ring is accepted") \
	X(TOKEN_SEQ_STANDS, 10, "token.seq is not raised for the frames that were sent") \
	X(TOKEN_ARU_BLIND, 30, "a node that lacks frames does not pull the token's aru down") \
	X(TOKEN_ARU_STOLEN, 30, "everybody raises the token's aru, not its signer alone") \
	X(TOKEN_BEFORE_FRAMES_LOST, 10, "frames of a visit get a seq but are not multicast") \
	X(FLOW_UNBOUNDED, 50, "max_messages and window_size are ignored") \
	X(FLOW_HALVED, 50, "a sender's own last visit counts against the window as well") \
	X(WINDOW_OWN, 50, "the own receive buffer is taken for the smallest one") \
	X(WINDOW_UNTOLD, 50, "members that have not told their receive buffer are left out") \
	X(FLOW_NO_ACCOUNT, 10, "fcc is not lowered by what was sent one visit ago") \
	X(FREE_EARLY, 30, "frames are freed with one token's aru, a rotation early") \
	X(FREE_DELIVERED, 10, "frames are freed once delivered here") \
	X(RETRANSMIT_IGNORED, 150, "retransmission requests are dropped unanswered") \
	X(REQUEST_NONE, 150, "missing frames are never requested") \
	X(DELIVER_PAST_HOLE, 30, "delivery skips a missing frame in a regular configuration") \
	X(DELIVER_TWICE, 10, "the first frame of a configuration is delivered twice") \
	X(DELIVER_SWAPPED, 10, "of two frames that can be delivered the later one goes first") \
	X(SAFE_AS_AGREED, 20, "SAFE messages are delivered as AGREED ones") \
	X(SAFE_ONE_TOKEN, 30, "one token's aru is taken as proof that all have a SAFE frame") \
	X(SAFE_CHANGE_IGNORED, 80, "SAFE messages are delivered before the transitional configuration") \
	X(SAFE_UNMARKED, 20, "a message's guarantee does not reach the frame with its last byte") \
	X(SAFE_PROMISE_FORGOTTEN, 400, "a failed recovery's promise to deliver is not kept") \
	X(SAFE_ASSUMED, 200, "SAFE is honoured though not all members announced it") \
	X(CONSENSUS_ANYBODY, 20, "any join counts as consent, whatever its lists") \
	X(CONSENSUS_MAJORITY, 150, "a commit token is created once most candidates agree") \
	X(COMMIT_ANY_MEMBERS, 50, "a commit token with another member list is accepted") \
	X(COMMIT_STALE_RING, 200, "a commit token with an old ring seq is accepted") \
	X(RING_ID_NOT_STORED, 10, "the ring id is not stored before it is used") \
	X(RING_SEQ_REUSED, 20, "a new ring takes the representative's seq, not the highest of its members") \
	X(RECOVERY_DROPS_FRAME, 80, "one old-ring frame is not re-sent") \
	X(RECOVERY_NO_ADOPT, 40, "old-ring frames received in recovery are not put in the store") \
	X(RECOVERY_EARLY, 50, "a configuration is installed two rotations early") \
	X(RECOVERY_ALL_OLD, 20, "nodes of other old rings are taken into the transitional set") \
	X(LATE_NEVER, 200, "a ring that other members have installed is not installed late") \
	X(LATE_GOES_ON, 200, "a node whose entry has become wrong goes on with the attempt") \
	X(PROMISE_STANDS, 200, "a promise stands though a companion has not given it") \
	X(TRANSITIONAL_SKIPPED, 10, "the transitional configuration is not announced") \
	X(TRANSITIONAL_UNFILTERED, 300, "frames of departed nodes behind a hole are delivered") \
	X(TRANSITIONAL_EMPTY, 400, "frames behind the first hole are dropped") \
	X(MEMBERS_OLD, 10, "the regular configuration names the candidates, failed ones included") \
	X(FRAGMENT_JOINED, 400, "the unfinished message of a departed node is kept") \
	X(MERGE_DEAF, 60, "foreign frames and merge detects are ignored") \
	X(LEAVE_IGNORED, 20, "a leave does not fail its sender") \
	X(TOKEN_LOSS_IGNORED, 30, "an expired token timer is ignored") \
	X(QUEUE_DROPPED, 20, "messages that wait are dropped at a configuration change") \
	X(SIGNS_BELIEVED, 60, "a sign of a member's death is believed at once") \
	X(REFUSALS_BELIEVED, 60, "a member whose host refuses datagrams is removed, whatever its connection") \
	X(LEASE_FOREVER, 50, "a lease never ends") \
	X(LEASE_OF_RING, 120, "the lease needs a majority of the ring only") \
	X(LEASE_STALE_TOKEN, 400, "the first token after a lapse renews the lease") \
	X(LEASE_GRANTED, 1000, "a node that forms another ring still answers for the old one") \
	X(STRANGER_BELIEVED, 1500, "a stranger's verdict on a member of our ring is taken over at once") \
	X(RESTART_FORGOTTEN, 100, "the verdict of a member that has started again counts as that of a member") \
	X(LATE_PATH_FOREVER, 200, "the representative waits for late paths without an end") \
	X(MARGIN_NONE, 150, "a majority concludes as early as a node that is cut off") \
	X(BUDGET_HALVED, 30, "a silent member is voted out long before its budget is over") \
	X(VOTE_ALONE, 200, "one vote is enough") \
	X(VOTE_LOST, 20, "votes of other members are not counted") \
	X(VOTE_WITHOUT_ALL, 60, "a majority votes a member out that another member hears") \
	X(COUNTS_NOT_RESET, 300, "the counts that a plain node keeps of a failed recovery stand") \
	X(HOLD_FOREVER, 10, "a held token is never let go") \
	X(LINGER_FOREVER, 50, "a lone sender keeps the token for good") \
	X(LINGER_UNBOUNDED, 50, "each time a lone sender that keeps the token sends, it has a whole window") \
	X(GATHER_FOREVER, 20, "frames of a lone sender wait for others for as long as it keeps the token") \
	X(GATHER_LOST, 20, "frames of a lone sender that wait for others are forgotten") \
	X(EARLY_OVERRUN, 200, "frames behind the token are not thought of in receive buffers") \
	X(QUIET_NEVER, 5, "whom a plain node in the middle left out goes on speaking to it")

#ifdef TOTEM_HOOKS

#define TOTEM_MUTANT_ENUM(name, seeds, what) MUTANT_##name,
enum totem_mutant_id { MUTANT_NONE, TOTEM_MUTANTS(TOTEM_MUTANT_ENUM) };
#undef TOTEM_MUTANT_ENUM

#define TOTEM_MUTANT(engine, NAME) ((engine)->mutant == MUTANT_##NAME)
#define TOTEM_QUIRK(engine, NAME) (((engine)->quirks & TOTEM_QUIRK_##NAME) != 0)

#else

#define TOTEM_MUTANT(engine, NAME) 0
#define TOTEM_QUIRK(engine, NAME) 0

#endif

#endif
