#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Find circles of calls between the files of a folder.

usage: circles.py FOLDER...            print the largest circle of each folder, and the arrows inside it
       circles.py --max N FOLDER...    fail if the largest circle has more than N files

A file calls another one if its code names a function that is defined there. X.c and X.h are one file here. The text is
read without a compiler, so code for all options counts.
"""
import re
import sys
from pathlib import Path

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
# A definition begins in the first column and its parameters are followed by a brace.
DEFINITION = re.compile(r'^(?!static|typedef|extern|#)[A-Za-z_][\w \t*]*?\b(\w+)\(([^;{}]*)\)\s*\{', re.M)
LOCAL = re.compile(r'^static (?!inline )[\w \t*]*?\b(\w+)\(([^;{}]*)\)\s*\{', re.M)
INLINE = re.compile(r'^static inline [\w \t*]*?\b(\w+)\(([^;{}]*)\)\s*\{', re.M)
NAME = re.compile(r'\b[A-Za-z_]\w*\b')


def read(path):
    return STRING.sub('""', COMMENT.sub(' ', path.read_text()))


def arrows_of(folder):
    """Return {file: {called file: names}} of the folder and the folders below it."""
    paths = sorted(p for p in Path(folder).rglob('*') if p.suffix in ('.c', '.h'))
    texts = {}
    for path in paths:
        texts.setdefault(str(path.with_suffix('')), []).append((path.suffix, read(path)))
    home = {}
    for file, parts in texts.items():
        for suffix, text in parts:
            for match in (DEFINITION if suffix == '.c' else INLINE).finditer(text):
                home[match.group(1)] = file
    arrows = {file: {} for file in texts}
    for file, parts in texts.items():
        for suffix, text in parts:
            # A header declares functions of other files, but it calls them only in its own inline functions.
            if suffix == '.h':
                text = ' '.join(body(text, m.end()) for m in INLINE.finditer(text))
            local = {m.group(1) for m in LOCAL.finditer(text)}
            for name in set(NAME.findall(text)) - local:
                if name in home and home[name] != file:
                    arrows[file].setdefault(home[name], set()).add(name)
    return arrows


def body(text, start):
    depth, at = 1, start
    while depth > 0 and at < len(text):
        depth += {'{': 1, '}': -1}.get(text[at], 0)
        at += 1
    return text[start:at]


def circles_of(arrows):
    """Return the strongly connected components with more than one file, the largest first."""
    def reach(start, graph):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen
    ahead = {file: reach(file, arrows) for file in arrows}
    circles = {frozenset(other for other in ahead[file] if file in ahead[other])
               for file in arrows if file in ahead[file]}
    return sorted((sorted(c) for c in circles if len(c) > 1), key=lambda c: (-len(c), c))


def main(arguments):
    limit = None
    if arguments[:1] == ['--max']:
        limit, arguments = int(arguments[1]), arguments[2:]
    failed = False
    for folder in arguments:
        arrows = arrows_of(folder)
        circles = circles_of(arrows)
        largest = circles[0] if circles else []
        print(f'{folder}: {len(arrows)} files, the largest circle has {len(largest)}')
        if limit is not None and len(largest) <= limit:
            continue
        failed = failed or limit is not None
        for file in largest:
            for other in sorted(arrows[file]):
                if other in largest:
                    print(f'  {file} -> {other}: {" ".join(sorted(arrows[file][other]))}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
