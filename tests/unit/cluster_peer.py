#!/usr/bin/env python3
"""A remote shell for tests/unit/cluster_commands.sh: it plays the helper of any node.

cluster_peer.py FOLDER HOST WORD...: arguments go to FOLDER/arguments, requests to FOLDER/HOST, one a line. FOLDER/play has
lines "HOST REQUEST WAY", by which a request is answered: no, garbage, list, empty, huge, types, escapes, end.
"""
import json
import sys

folder, host = sys.argv[1], sys.argv[2]
with open(f"{folder}/arguments", "a", encoding="utf-8") as said:
    said.write(" ".join(sys.argv[2:]) + "\n")
with open(f"{folder}/play", encoding="utf-8") as text:
    play = {tuple(line.split()[:2]): line.split()[2] for line in text}
FACTS = {"ok": True, "protocol": 1, "version": "0.1.0", "folder": "/etc/coterie", "file": "/etc/coterie/coterie.conf"}


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    request = json.loads(line)["do"]
    with open(f"{folder}/{host}", "a", encoding="utf-8") as said:
        said.write(line)
    way = play.get((host, request))
    facts = FACTS if request == "facts" else {"ok": True}
    if way == "end":
        print("the host has gone", file=sys.stderr)
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
