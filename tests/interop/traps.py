#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Receive SNMP traps on a UDP port and print a line for each: its notice, then OID=value.

Usage: traps.py PORT FILE. Times and request ids are left out. Ends with a signal.
"""
import socket
import sys

ENTERPRISE = "1.3.6.1.4.1.35488."


def element(data, at):
    """Tag, content and end of the BER element at this place."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[at:at + count], "big")
        at += count
    return tag, data[at:at + length], at + length


def elements(data):
    at = 0
    while at < len(data):
        tag, content, at = element(data, at)
        yield tag, content


def oid(content):
    numbers, value = [content[0] // 40, content[0] % 40], 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def text(tag, content):
    if tag == 0x06:
        return oid(content).replace(ENTERPRISE, "")
    if tag == 0x04:
        return content.decode(errors="replace")
    return "%d:%d" % (tag, int.from_bytes(content, "big"))


def trap(data):
    _, message, _ = element(data, 0)
    version, community, pdu = elements(message)
    words = ["%s v%d" % (community[1].decode(), version[1][0]), "pdu %02x" % pdu[0]]
    bindings = list(elements(pdu[1]))[3][1]
    for _, binding in elements(bindings):
        (_, name), value = elements(binding)
        name = oid(name).replace(ENTERPRISE, "")
        words.append(name if name == "1.3.6.1.2.1.1.3.0" else name + "=" + text(*value))
    return " ".join(words)


def main():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", int(sys.argv[1])))
    with open(sys.argv[2], "w", buffering=1) as out:
        while True:
            print(trap(receiver.recv(65536)), file=out)


main()
