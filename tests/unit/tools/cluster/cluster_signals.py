#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The helper of this host under signals, for tests/unit/tools/cluster/cluster_commands.sh.

cluster_signals.py CTL FOLDER: the helper puts a new file in the place of an old one, gets the signals that a terminal or a
manager of services sends, answers on, and puts the old file back when its input ends.
"""
import json
import os
import signal
import subprocess
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
tool, folder = sys.argv[1], sys.argv[2]
config = os.path.join(folder, "coterie.conf")
os.makedirs(folder)
with open(config, "w", encoding="utf-8") as file:
    file.write("old")
for number in SIGNALS:
    signal.signal(number, signal.SIG_DFL)  # a shell in the background ignores some of them
helper = subprocess.Popen([tool, "__node"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "COTERIE_CONFIG": config})


def ask(name, **members):
    """@return whether the helper has done it"""
    helper.stdin.write(json.dumps({"do": name, **members}) + "\n")
    helper.stdin.flush()
    line = helper.stdout.readline()
    return line != "" and json.loads(line)["ok"]


def text():
    with open(config, encoding="utf-8") as file:
        return file.read()


done = [ask("facts", instance="of-a-test", lock=True), ask("write", text=b"new".hex()), ask("place"), text() == "new",
        os.getpgid(helper.pid) == helper.pid]
for number in SIGNALS:
    helper.send_signal(number)
    done.append(ask("facts", instance="of-a-test", lock=True))
helper.stdin.close()
done += [helper.wait(30) == 0, text() == "old", os.listdir(folder) == ["coterie.conf"]]
print(done)
sys.exit(0 if all(done) else 1)
