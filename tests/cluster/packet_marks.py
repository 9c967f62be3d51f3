# SPDX-License-Identifier: BSD-3-Clause
"""Count the IP packets that leave interface eth0 of this network namespace, by protocol and code point (DSCP).

packet_marks.py SECONDS     prints "watching", then a line "PROTOCOL CODE-POINT COUNT" for each pair: "udp 46 1234"
"""
import collections
import socket
import sys
import time

NAMES = {6: "tcp", 17: "udp"}
OUTGOING = 4
IPV4, IPV6 = 0x0800, 0x86DD


def read_mark(kind, packet):
    """Return protocol number and code point of an IP packet, or None."""
    if kind == IPV4 and len(packet) >= 20:
        return packet[9], packet[1] >> 2
    if kind == IPV6 and len(packet) >= 40:
        return packet[6], (packet[0] << 8 | packet[1]) >> 6 & 0x3F
    return None


def main():
    counts = collections.Counter()
    # Without the link's header, so that the address tells the kind of packet.
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as watch:
        watch.bind(("eth0", 3))
        watch.settimeout(0.1)
        print("watching", flush=True)
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end:
            try:
                packet, address = watch.recvfrom(128)
            except TimeoutError:
                continue
            mark = read_mark(address[1], packet)
            if mark is not None and address[2] == OUTGOING and mark[0] in NAMES:
                counts[mark] += 1
    for (protocol, mark), count in sorted(counts.items()):
        print(NAMES[protocol], mark, count)


main()
