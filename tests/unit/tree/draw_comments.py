"""draw_comments.py ROOT SEED COUNT: draw COUNT comments of the C files of ROOT, the same ones for the same SEED.

A reader who did not write them judges each one: is it clear at the first reading? Each comment is printed with its place,
what stands before it on its line, and the lines of code behind it. Comments of fewer than five words and licence lines are not drawn.

SPDX-License-Identifier: BSD-3-Clause
"""

import pathlib
import random
import subprocess
import sys

import prose

CODE_LINES = 4
FEWEST_WORDS = 5


def comments(root):
    """Yield (path, line, comment with the code before it on its line, code behind it) in the order of the tree."""
    names = subprocess.run(["git", "-C", root, "ls-files", "*.c", "*.h", ":!tests/abi/sdk"], check=True, capture_output=True, text=True).stdout
    for name in sorted(names.split("\n")):
        if not name:
            continue
        text = pathlib.Path(root, name).read_text()
        for match in prose.C_TOKEN.finditer(text):
            token = match.group()
            if not token.startswith(("/*", "//")) or "SPDX" in token or len(token.split()) < FEWEST_WORDS:
                continue
            line = text.count("\n", 0, match.start()) + 1
            before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
            code = text[match.end():].split("\n")[:CODE_LINES]
            yield name, line, before + token, "\n".join(code)


def main():
    root, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    everything = list(comments(root))
    drawn = random.Random(seed).sample(everything, min(count, len(everything)))
    for number, (name, line, token, code) in enumerate(drawn, 1):
        print(f"== {number} {name}:{line}\n{token}{code}\n")


if __name__ == "__main__":
    main()
