#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A remote shell for tests/unit/tools/cluster/cluster_commands.sh: it plays the helper of any node.

cluster_peer.py FOLDER HOST WORD...: arguments go to FOLDER/arguments, requests to FOLDER/HOST, one a line. FOLDER/play has
lines "HOST REQUEST WAY", by which a request is answered: no, garbage, list, empty, huge, types, escapes, flood, end, lost, stays. The
last one ends the session, and HOST has the config that was written. flood: endless error output, of which FOLDER/flood
gets the bytes in memory or a file. lost: HOST ends its session, and later ones end after 5 s. FOLDER/ring.conf makes all hosts members of a running
ring with that config. When a change is kept or undone, FOLDER/memory gets how many pieces of the key the memory of coterie-ctl
has.
"""
import json
import os
import sys
import time

import cluster_memory

folder, host = sys.argv[1], sys.argv[2]
with open(f"{folder}/arguments", "a", encoding="utf-8") as said:
    said.write(" ".join(sys.argv[2:]) + "\n")
with open(f"{folder}/play", encoding="utf-8") as text:
    play = {tuple(line.split()[:2]): line.split()[2] for line in text}
if os.path.exists(f"{folder}/lost-{host}"):
    time.sleep(5)
    print("the host cannot be reached", file=sys.stderr)
    sys.exit(255)
FACTS = {"ok": True, "protocol": 2, "version": "0.1.0", "folder": "/etc/coterie", "file": "/etc/coterie/coterie.conf"}
if os.path.exists(f"{folder}/ring.conf"):
    own = f"{folder}/kept-{host}"
    with open(own if os.path.exists(own) else f"{folder}/ring.conf", "rb") as text:
        FACTS.update(has_config=True, config=text.read().hex(), is_running=True, cluster="prod", members=[1, 2],
                     id="ab".index(host[5]) + 1)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


written = key = ""
for line in sys.stdin:
    request = json.loads(line)["do"] + ("-check" if json.loads(line).get("check") else "")
    with open(f"{folder}/{host}", "a", encoding="utf-8") as said:
        said.write(line)
    way = play.get((host, request))
    written = json.loads(line)["text"] if request == "write" else written
    key = json.loads(line).get("key", key)
    if key and request in ("keep", "undo"):
        with open(f"{folder}/memory", "a", encoding="utf-8") as said:
            said.write(f"{cluster_memory.count(os.getppid(), key)}\n")
    facts = FACTS if request == "facts" else {"ok": True}
    if way == "end":
        print("the host has gone", file=sys.stderr)
        sys.exit(255)
    elif way == "lost":
        with open(f"{folder}/lost-{host}", "w", encoding="utf-8"):
            sys.exit(255)
    elif way == "flood":
        for _ in range(1000):
            sys.stderr.write("x" * 9999 + "\n")
        print("and no end", file=sys.stderr)
        sys.stderr.flush()
        with open(f"{folder}/flood", "w", encoding="utf-8") as said:
            said.write(f"{os.fstat(2).st_size}\n")
        say(json.dumps({"ok": False, "text": "flooded"}))
    elif way == "stays":
        with open(f"{folder}/kept-{host}", "wb") as kept:
            kept.write(bytes.fromhex(written))
        sys.exit(255)
    elif way == "no":
        say(json.dumps({"ok": False, "text": f"{request} does not work", "remedy": "repair it"}))
    elif way == "garbage":
        say("Welcome to Ubuntu")
    elif way == "list":
        say("[1, 2, 3]")
    elif way == "empty":
        say("{}")
    elif way == "huge":
        sys.stdout.write("x" * 4000000)
        sys.stdout.flush()
    elif way == "types":
        say(json.dumps({"ok": True, "protocol": "1", "version": {"a": 1}, "members": "no", "config": 7, "is_running": [1]}))
    elif way == "escapes":
        say(json.dumps({**facts, "version": "\x1b]0;title\x07\n", "write_error": "\x1b[2J\rall is well"}))
    else:
        say(json.dumps(facts))
