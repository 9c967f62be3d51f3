/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of the ring as the executive sees them: their kind, their faults, and the group prefix in front of each
 * message. The bytes are in book wire, "Group prefix". Outside of exec/totem, ring_packet.c is the only file of exec/
 * that reads them.
 */
#ifndef EXEC_RING_PACKET_H
#define EXEC_RING_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coterie_frame;

#define RING_PACKET_SIZE_MAX 65536u      /* bytes */
#define RING_PACKET_RECOVERY_HEADERS 90u /* two frame headers, in bytes: docs/protocol/transports.md, "Sizes" */

/** Return whether a packet is a token. Any bytes may be given. */
bool ring_packet_is_token(const struct coterie_frame *frame);
/** Return whether a packet is a frame of messages. Any bytes may be given. */
bool ring_packet_is_mcast(const struct coterie_frame *frame);
/**
 * Find the member that sent a frame of messages.
 * @param nodeid  out
 * @return false: the packet is malformed, or of another kind
 */
bool ring_packet_sender(const struct coterie_frame *frame, uint32_t *nodeid);
/** Return the features that this version can announce to other members, as struct totem_options has them. */
uint64_t ring_packet_features(void);

/**
 * Return why the wire format refuses a packet, for a line of the log.
 * @param reason  a reason that the engine counts
 * @return a constant text; NULL: it is no reason of the wire format
 */
const char *ring_packet_refusal(uint64_t reason);
/**
 * Describe the fault in a packet's header. The text follows "Message received from ADDRESS", and has the words of
 * Corosync's log. The packet may have any bytes.
 * @param text  out, at most size bytes with the zero byte
 * @return false: the header has no fault
 */
bool ring_packet_fault(const struct coterie_frame *frame, char *text, size_t size);

/** Groups that a message of the ring can be for, by bit. */
enum ring_packet_group {
	RING_PACKET_GROUP_SERVICES = 1, /* "a" */
	RING_PACKET_GROUP_SYNC = 2,     /* "sync" */
};

#define RING_PACKET_GROUP_SIZE_MAX 20u /* most bytes of a prefix that ring_packet_group_write writes */
#define RING_PACKET_GROUP_LOOK 512u    /* bytes at the beginning of a message in which its prefix must end */

/**
 * Write the prefix of a message to one group.
 * @param group  its name, at most 16 bytes
 * @param swap   write in the byte order that this host does not have
 * @return bytes written
 */
size_t ring_packet_group_write(const char *group, bool swap, uint8_t out[RING_PACKET_GROUP_SIZE_MAX]);
/**
 * Read the prefix of a message. It may name other groups, which are skipped, or none.
 * @param bytes   the first size bytes of the message
 * @param groups  out: enum ring_packet_group, by bit
 * @return bytes of the prefix; 0: it is malformed or does not end within size
 */
size_t ring_packet_group_read(const uint8_t *bytes, size_t size, bool is_swapped, unsigned int *groups);

#endif
