# SPDX-License-Identifier: BSD-3-Clause
"""typed.py KEYS PROGRAM...: the program on a terminal of its own, on which the keys are typed once it has asked for
them with "ready> ". They make it end. What it wrote goes to standard error."""
import os
import pty
import select
import sys
import time

PATIENCE_S = 30

keys = sys.argv[1].encode().decode("unicode_escape").encode()
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
end, written, has_asked = time.monotonic() + PATIENCE_S, b"", False
while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
    try:
        written += os.read(terminal, 65536)
    except OSError:  # it has ended
        break
    if not has_asked and b"ready> " in written:
        has_asked = True
        os.write(terminal, keys)
else:
    os.kill(child, 9)
sys.stderr.write(written.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
