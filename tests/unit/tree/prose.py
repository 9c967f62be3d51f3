# SPDX-License-Identifier: BSD-3-Clause
"""prose.py ROOT [--exceptions FILE [--shrink]] : find text that breaks a countable rule of plain English.

Reads comments of C, shell and make files, Markdown and manual pages. Prints one line for each finding:
"RULE PATH:LINE: TEXT". With --exceptions only the findings of a rule in a file that has more of them than the list
allows, and a line "fewer RULE PATH: NOW, ALLOWED" where the list allows more than there are; --shrink takes
those out of the list. The list never grows. Rules:

	opening  a comment or a paragraph begins with who, whoever, what, whatever or nobody
	anew     the word "anew": write "again"
	second   two statements joined by a semicolon
	long     a sentence of more than 30 words

A list, a table, code in Markdown and the value after "name:" are no sentences.
"""

import argparse
import pathlib
import re
import subprocess
import sys

LONGEST = 30
OPENING = re.compile(r"^(who|whoever|whom|what|whatever|nobody)\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?:])\s+(?=[\"'(`A-Z0-9])")
# C comments, without looking into strings and character constants.
C_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|/\*.*?\*/|//[^\n]*", re.DOTALL)
ROFF_TEXT = re.compile(r"^\.(B|I|BR|IR|RB|RI|BI|IB)\s+")
ROFF_ESCAPE = re.compile(r"\\f.|\\\(..|\\&|\\")


def c_paragraphs(text):
    """Yield (line, paragraph) for the comments of C."""
    pending = None  # consecutive // comments are one
    for match in C_TOKEN.finditer(text):
        token = match.group()
        line = text.count("\n", 0, match.start()) + 1
        if token.startswith("/*"):
            body = re.sub(r"^\s*\* ?", "", token[2:-2].strip("*"), flags=re.MULTILINE)
            yield from split_paragraphs(body, line)
        elif token.startswith("//"):
            if pending and line == pending[0] + pending[1].count("\n") + 1:
                pending = (pending[0], pending[1] + "\n" + token[2:])
            else:
                if pending:
                    yield from split_paragraphs(pending[1], pending[0])
                pending = (line, token[2:])
    if pending:
        yield from split_paragraphs(pending[1], pending[0])


def hash_paragraphs(text):
    """Yield (line, paragraph) for comments behind # that have a line of their own."""
    block, start = [], 0
    for number, line in enumerate(text.split("\n") + [""], 1):
        match = re.match(r"^\s*#(?!!)(.*)$", line)
        if match and "SPDX-License-Identifier" in line:
            match = None  # no part of the comment behind it
        if match:
            if not block:
                start = number
            block.append(match.group(1))
        elif block:
            yield from split_paragraphs("\n".join(block), start)
            block = []


def markdown_paragraphs(text):
    """Yield (line, paragraph) outside of code, tables and headings."""
    kept, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            line = ""
        if fenced or re.match(r"^(\t| {4}|\||#)", line):
            line = ""
        kept.append(line)
    yield from split_paragraphs("\n".join(kept), 1)


def roff_paragraphs(text):
    """Yield (line, paragraph) of a manual page, without examples."""
    kept, literal = [], False
    for line in text.split("\n"):
        if re.match(r"^\.(nf|EX)", line):
            literal = True
        if re.match(r"^\.(fi|EE)", line):
            literal = False
        line = ROFF_TEXT.sub("", line)
        if literal or line.startswith((".", "'")):
            line = ""
        kept.append(ROFF_ESCAPE.sub("", line))
    yield from split_paragraphs("\n".join(kept), 1)


def split_paragraphs(body, first):
    """Split at empty lines and at the items of lists."""
    block, start = [], first
    for number, line in enumerate(body.split("\n") + [""], first):
        item = re.match(r"^\s*([-*@]|\d+[.)])\s", line)
        # A deeper indented line is an example, a column of a table or a continued item.
        table = re.search(r"\S\s{2,}\S", line.strip()) or line.startswith(("\t\t", "\t"))
        if not line.strip() or item or table:
            if block:
                yield start, " ".join(block)
            block = []
            if item:
                block, start = [re.sub(r"^\s*([-*@]|\d+[.)])\s+", "", line).strip()], number
            continue
        if not block:
            start = number
        block.append(line.strip())


def is_second_thought(sentence):
    """Return whether one semicolon joins two statements. Lists and "value: meaning" are no statements."""
    return (sentence.count(";") == 1 and len(sentence.split(";")[1].split()) > 3 and not re.search(r"[={]|@return|-E[A-Z]{3}|CS_|\\d;", sentence)
            and ":" not in sentence.split(";")[0])


def findings(path, text):
    """Yield (rule, line, text) for one file."""
    name = path.name
    if re.search(r"\.[ch]$", name):
        paragraphs = c_paragraphs(text)
    elif name.endswith(".md"):
        paragraphs = markdown_paragraphs(text)
    elif re.search(r"\.[1-8]$", name):
        paragraphs = roff_paragraphs(text)
    else:
        paragraphs = hash_paragraphs(text)
    for line, paragraph in paragraphs:
        if OPENING.match(paragraph) and not paragraph.endswith("?"):
            yield "opening", line, paragraph
        for _ in re.finditer(r"\banew\b", paragraph, re.IGNORECASE):
            yield "anew", line, paragraph
        for sentence in SENTENCE_END.split(paragraph):
            plain = re.sub(r"`[^`]*`", "code", sentence)
            if is_second_thought(plain):
                yield "second", line, sentence
            if plain.count(";") < 2 and len(re.findall(r"[A-Za-z][\w'’-]*", plain)) > LONGEST:
                yield "long", line, sentence


def is_read(path):
    """Return whether the file holds text of ours."""
    if str(path).startswith(("tests/abi/sdk/", "docs/performance/", "tests/interop/tools/")):
        return False
    return bool(re.search(r"\.(c|h|sh|py|mk|am|ac|md|[1-8])$", path.name)) or path.name in (
        "GNUmakefile", "run-checks", "install-deps", "rules")


def all_findings(root):
    """Return {(rule, path): [line of output]} for the files under version control, or for all files."""
    listed = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=False)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [
        str(path.relative_to(root)) for path in root.rglob("*")
        if path.is_file() and not str(path.relative_to(root)).startswith("build")]
    found = {}
    for name in sorted(filter(None, names)):
        path = pathlib.Path(name)
        if not is_read(path) or not (root / path).is_file():
            continue
        for rule, line, text in findings(path, (root / path).read_text(errors="replace")):
            found.setdefault((rule, name), []).append(f"{rule} {path}:{line}: {text[:200]}")
    return found


def read_exceptions(file):
    """Return {(rule, path): count}."""
    allowed = {}
    for line in file.read_text().split("\n"):
        if line and not line.startswith("#"):
            rule, path, count = line.split()
            allowed[(rule, path)] = int(count)
    return allowed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--exceptions", type=pathlib.Path)
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    found = all_findings(options.root)
    allowed = read_exceptions(options.exceptions) if options.exceptions else {}
    for key, lines in found.items():
        if len(lines) > allowed.get(key, 0):
            print("\n".join(lines))
    kept = {key: min(count, len(found.get(key, []))) for key, count in allowed.items()}
    if options.shrink:
        head = [line for line in options.exceptions.read_text().split("\n") if line.startswith("#")]
        rows = [f"{rule} {path} {count}" for (rule, path), count in sorted(kept.items()) if count]
        options.exceptions.write_text("\n".join(head + rows) + "\n")
        return
    for (rule, path), count in kept.items():
        if count < allowed[rule, path]:
            print(f"fewer {rule} {path}: {count}, {allowed[rule, path]}")


if __name__ == "__main__":
    main()
