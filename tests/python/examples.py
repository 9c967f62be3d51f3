# SPDX-License-Identifier: BSD-3-Clause
"""examples.py FILE: run each Python block of a Markdown file, and print TAP. A block "output" behind it is what it prints."""

from __future__ import annotations

import re
import subprocess
import sys

TIMEOUT_S = 60


def main(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    count = failed = 0
    heading = "start"
    for match in re.finditer(r"^## ([^\n]*)$|^```python\n(.*?)^```\n(?:\n```output\n(.*?)^```\n)?", text, re.M | re.S):
        title, program, output = match.groups()
        if title:
            heading = title
            continue
        count += 1
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        is_good = run.returncode == 0 and not run.stderr and (output is None or run.stdout == output)
        failed += not is_good
        print(f"{'ok' if is_good else 'not ok'} {count} - {heading}")
        if not is_good:
            print("\n".join(f"# {line}" for line in (run.stdout + run.stderr).splitlines()))
    print(f"1..{count}")
    return 1 if failed or count < 8 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
