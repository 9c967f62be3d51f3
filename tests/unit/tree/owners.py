#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Find files of the engine that change a part of its state that another file owns.

usage: owners.py FOLDER STATE.h STRUCT [FILE MEMBER]...

Each member of STRUCT that is a struct belongs to the file whose header declares that struct. Another file may read what is
in it, and calls a function to change it. FILE MEMBER: this file may change that member as well, or all of them for "*".
Mutants may change everything. An element of an array of records is no part of the member. The text is read without a compiler: assignments, and calls of functions that change a set or
a queue.
"""
import re
import sys
from pathlib import Path

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
SHARED = ('engine', 'node_set', 'wire')  # their structs are types of all files
CHANGES = r'(?:set_(?:add|copy|unite)|node_set_(?:clear|assign|subtract|copy|add)|pack_queue_(?:append|flush|take|split)|memset|memcpy)'


def read(path):
    return COMMENT.sub(' ', path.read_text())


def owners_of(folder, header, name):
    """Return {member: name of the file that owns it}."""
    homes = {m.group(1): path.stem for path in folder.glob('*.h') if path.with_suffix('.c').exists() and path.stem not in SHARED
             for m in re.finditer(r'^struct (\w+) \{', read(path), re.M)}
    body = re.search(r'^struct ' + name + r' \{(.*?)^\};', read(header), re.M | re.S).group(1)
    return {m.group(2): homes[m.group(1)] for m in re.finditer(r'^\tstruct (\w+) (\w+);', body, re.M) if m.group(1) in homes}


def changes_of(text, member):
    """Return the changes of engine->MEMBER in a file's text."""
    place = r'engine->' + member + r'\b(?!\.all\[)[\w.]*(?:\[[^\]]*\][\w.]*)*'
    patterns = (place + r'\s*(?:[-+*/|&^]|<<|>>)?=(?!=)', place + r'(?:\+\+|--)', r'(?:\+\+|--)' + place, CHANGES + r'\(&?' + place)
    found = [m for pattern in patterns for m in re.finditer(pattern, text)]
    return [m.group() for m in found if 'TOTEM_MUTANT' not in text[max(0, m.start() - 80):m.start()]]


def main(arguments):
    folder, header, name = Path(arguments[0]), Path(arguments[1]), arguments[2]
    allowed = set(zip(arguments[3::2], arguments[4::2]))
    owners = owners_of(folder, header, name)
    strays = 0
    for path in sorted(folder.glob('*.c')):
        text = read(path)
        for member, owner in owners.items():
            if path.stem == owner or (path.stem, member) in allowed or (path.stem, '*') in allowed:
                continue
            for change in changes_of(text, member):
                print(f'{path}: {change}: {owner}.c owns it')
                strays += 1
    print(f'{len(owners)} members have owners')
    return 1 if strays or not owners else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
