#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Take the examples of configuration out of README.md, docs and man pages, for tests/unit/tree/examples.sh.

examples.py SOURCE FOLDER: one file in FOLDER per example, named for its place. Its first line is a comment with the syntax
that the text claims: that of the file which the paragraph before the example, or around it, names. Others are coterie.conf.
"""
import glob
import os
import re
import sys

NATIVE = "cluster totem transport link node quorum service plugins log access process instance".split()
LEGACY = "totem nodelist quorum logging service resources uidgid coterie system qb nozzle transport".split()
FIRST = re.compile(r"^\s*(%s)( [\w-]+)? ?\{" % "|".join(sorted(set(NATIVE + LEGACY))))
# Pages of Corosync's own names, which begin with its syntax.
LEGACY_PAGES = {"corosync.conf.5", "votequorum.5"}


def plain(text):
    """A line of a man page without its escapes."""
    for escape, letter in ((r"\-", "-"), (r"\(dq", '"'), (r"\e", "\\"), (r"\&", "")):
        text = text.replace(escape, letter)
    return text


def of_markdown(lines):
    """(line number, text) of indented and fenced blocks, and of words in backticks."""
    block, start, is_fenced = [], 0, False
    for number, line in enumerate(lines + [""], 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    ") or (block and not line.strip() and number < len(lines)):
            start = start or number
            block.append(line)
            continue
        elif not block:
            for match in re.finditer(r"`([^`]+)`", line):
                yield number, match.group(1), True
        if block:
            yield start, "\n".join(block), False
            block, start = [], 0


def of_man(lines):
    block, start = None, 0
    for number, line in enumerate(lines, 1):
        if line.startswith(".Bd -literal"):
            block, start = [], number + 1
        elif line.startswith(".Ed") and block is not None:
            yield start, "\n".join(block), False
            block = None
        elif block is not None:
            block.append(plain(line))
        elif re.match(r"\.(Li|Ql|Dl) ", line):
            yield number, plain(line[4:]).strip('" .,'), True


def claim(lines, number, name, is_inline):
    """The file that the paragraph names last: the one around an inline example, otherwise the one before it."""
    is_end = lambda line: not line.strip() or re.match(r"\.(Pp|Sh|Ss|Ed|It)|#", line)
    at = number - 2
    text = []
    while not is_inline and at > 0 and (not lines[at].strip() or lines[at].startswith(".Bd")):
        at -= 1
    while at > 0 and not is_end(lines[at]):
        text.insert(0, lines[at])
        at -= 1
    at = number - 1
    while is_inline and at < len(lines) and not is_end(lines[at]):
        text.append(lines[at])
        at += 1
    found = re.findall(r"\b(coterie|corosync)\.conf\b", re.sub(r"example\S*", "", " ".join(text)))
    return found[-1] if found else "corosync" if name in LEGACY_PAGES else "coterie"


def main(source, folder):
    pages = ["README.md", "docs/*.md", "docs/*/*.md", "plugins/*/README.md", "*/man/*.[1-8]", "*/*/man/*.[1-8]"]
    for path in sorted(sum((glob.glob(os.path.join(source, page)) for page in pages), [])):
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        name = os.path.basename(path)
        for number, text, is_inline in (of_markdown if name.endswith(".md") else of_man)(lines):
            # Places for words of the reader's own make no example.
            if not FIRST.match(text) or re.search(r"…|\.\.\.|\b(NAME|NUMBER|MODEL)\b", text) or "}" not in text:
                continue
            where = claim(lines, number, name, is_inline)
            place = os.path.relpath(path, source).replace("/", "_")
            with open(os.path.join(folder, f"{place}:{number}"), "w", encoding="utf-8") as out:
                if is_inline and ":" in text:
                    text = re.sub(r"(\{|\}) *", r"\1\n", re.sub(r" ([a-z_]+:|\})", r"\n\1", text))
                out.write(f"# {where}\n{text}\n")


main(sys.argv[1], sys.argv[2])
