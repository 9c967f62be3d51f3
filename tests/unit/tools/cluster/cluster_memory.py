#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Search the memory of processes for a key of the ring.

cluster_memory.py COTERIE-CTL FOLDER: play the caller of a node's helper. It gets a key and is asked for it, with FOLDER/key as
the key file of its config. Prints what of the key is left in its memory after each answer, and fails if it is any.
"""
import json
import os
import subprocess
import sys

RUN = 16


def runs(key):
    """Return pieces of a key in hexadecimal digits, and of its bytes."""
    raw = bytes.fromhex(key)
    return {bytes(text[at:at + RUN]) for text in (key.encode(), raw) for at in range(0, len(text) - RUN + 1, RUN)}


def count(pid, key):
    """Return how many pieces of the key are in the memory of a process. None: it cannot be read."""
    found = set()
    wanted = runs(key)
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                words = line.split()
                if "w" not in words[1] or words[-1] == "[vvar]":
                    continue
                begin, end = (int(word, 16) for word in words[0].split("-"))
                memory.seek(begin)
                try:
                    read = memory.read(end - begin)
                except OSError:
                    continue
                found |= {run for run in wanted - found if run in read}
    except PermissionError:
        return None
    return len(found)


def play(ctl, folder):
    key = os.urandom(256).hex()
    helper = subprocess.Popen([ctl, "__node"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(**request):
        helper.stdin.write(json.dumps(request).encode() + b"\n")
        helper.stdin.flush()
        answer = json.loads(helper.stdout.readline())
        assert answer["ok"], answer
        return answer

    ask(do="facts")
    ask(do="key", key=key, file=f"{folder}/key")
    left = [count(helper.pid, key)]
    assert ask(do="secret")["key"] == key
    left.append(count(helper.pid, key))
    # Two requests that arrive at once.
    helper.stdin.write(json.dumps({"do": "key", "key": key, "file": f"{folder}/key"}).encode() + b"\n")
    ask(do="keep")
    assert json.loads(helper.stdout.readline())["ok"]
    left.append(count(helper.pid, key))
    helper.stdin.close()
    assert helper.wait() == 0
    print("pieces of the key, after each answer:", *left)
    return all(pieces in (0, None) for pieces in left)


if __name__ == "__main__":
    sys.exit(0 if play(*sys.argv[1:]) else 1)
