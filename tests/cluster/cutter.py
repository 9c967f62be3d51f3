#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A remote shell that breaks at a chosen request, for tests/cluster/by_commands.sh.

cutter.py FILE SHELL... HOST WORD...: the file has "HOST REQUEST before|after|killed". The session of that host ends before
the request, or after it with the answer lost; "killed": the command that has sent it is killed. Then the file is removed,
so that it happens once. Other sessions pass.
"""
import json
import os
import signal
import subprocess
import sys

file, words = sys.argv[1], sys.argv[2:]
host = words[-3]
child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def wanted():
    try:
        with open(file, encoding="utf-8") as text:
            return text.read().split()
    except OSError:
        return []


def cut():
    os.unlink(file)
    child.kill()
    child.wait()
    sys.exit(255)


for line in sys.stdin.buffer:
    message = json.loads(line)
    request = message["do"] + ("-check" if message.get("check") else "")
    is_wanted = wanted()[:2] == [host, request]
    if is_wanted and wanted()[2] == "before":
        cut()
    child.stdin.write(line)
    child.stdin.flush()
    if is_wanted and wanted()[2] == "killed":
        os.unlink(file)
        os.kill(os.getppid(), signal.SIGKILL)
        break
    answer = child.stdout.readline()
    if is_wanted:
        cut()
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
child.stdin.close()
sys.exit(child.wait())
