#!/usr/bin/env python3
"""Make docs/reference/ from the comments of the SDK's headers: python3 docs/reference.py

Each function of the host table, of a service's and a transport's table, of the test kit and of the client kit has a section
with its prototype and its comment. tests/unit/tree/check_reference.sh compares the result with the headers. --check prints the
names of files that differ and changes none.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

# page, title, header, the struct whose members are functions (None: plain prototypes), introduction
# of the list
PAGES = [
    ("host", "The host table", "host.h", "coterie_host",
     "A plugin calls these functions as `host->NAME(...)`. The table is given to `init` and `open`. A member that is newer than the daemon\n"
     "is not there: check with `COTERIE_HAS(host, NAME)`, or name its ability in `needs`."),
    ("service", "The table of a service", "service.h", "coterie_service",
     "The daemon calls these functions of a service. All except `init` and `fini` may be `NULL`."),
    ("transport", "The table of a transport", "transport.h", "coterie_transport",
     "The daemon calls these functions of a transport."),
    ("config_view", "The view of a configuration", "plugin.h", "coterie_config_view",
     "`check` of a plugin's descriptor receives the view of a configuration, and a report (config_report.md). It calls these functions as\n"
     "`view->NAME(view, ...)`. The data of the view are in `<coterie/plugin.h>`."),
    ("config_report", "The report about a configuration", "plugin.h", "coterie_config_report",
     "`check` of a plugin's descriptor calls these functions as `report->NAME(report, ...)`."),
    ("testkit", "The test kit", "testkit.h", None,
     "A cluster inside one process: coterie-testkit(7). Link with `pkg-config --libs coterie-testkit`."),
    ("client", "The client kit", "client.h", None,
     "For programs that speak to a service of yours: coterie-client(7). Link with `pkg-config --libs coterie-client`."),
]

COMMENT = re.compile(r"/\*.*?\*/", re.S)


def tokens(text):
    """
    Split the body of a header into comments, declarations that end with ';', and empty lines. A comment on the line of
    a declaration is "behind" it.
    """
    at = 0
    code_end = None
    while at < len(text):
        if text[at].isspace():
            blank = re.match(r"\s*", text[at:]).group(0)
            if blank.count("\n") > 1:
                yield ("gap", "")
            at += len(blank)
        elif text.startswith("/*", at):
            match = COMMENT.match(text, at)
            is_behind = code_end is not None and "\n" not in text[code_end:at]
            yield ("behind" if is_behind else "comment", match.group(0))
            at = match.end()
        elif text[at] == "#":
            end = text.index("\n", at)
            while text[end - 1] == "\\":
                end = text.index("\n", end + 1)
            yield ("gap", "")
            at = end
        elif text.startswith('extern "C" {', at):
            at += len('extern "C" {')
        elif text[at] == "}":
            at += 1
        else:
            end = at
            depth = 0
            while text[end] != ";" or depth > 0:
                if text.startswith("/*", end):
                    end = COMMENT.match(text, end).end()
                    continue
                depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text[end], 0)
                end += 1
            yield ("code", text[at:end + 1])
            at = code_end = end + 1


def plain(comment):
    """The lines of a comment without its frame."""
    body = re.sub(r"^/\*\*?|\*/$", "", comment).strip("\n")
    lines = [re.sub(r"^\s*\*?( |$)", "", line).rstrip() if re.match(r"^\s*\*( |$)", line) else line.strip()
             for line in body.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def sections(lines):
    """A comment as paragraphs, (parameter, text) pairs, and the text about the result."""
    parts = [["text", None, []]]
    for line in lines:
        match = re.match(r"@param\s+(\S+(?:, \S+)*)\s+(.*)", line)
        if match:
            parts.append(["param", match.group(1), [match.group(2)]])
        elif line.startswith("@return"):
            parts.append(["return", None, [line[len("@return"):].strip()]])
        elif not line:
            if parts[-1][0] == "text":
                parts[-1][2].append("")
            else:
                parts.append(["text", None, []])
        else:
            parts[-1][2].append(line.strip())
    return parts


def is_function(code, struct):
    """The name of the function that a declaration declares, or None."""
    if struct is not None:
        match = re.search(r"\(\*(\w+)\)\s*\(", code)
    else:
        match = re.match(r"(?:[\w\s\*]+?)\b(\w+)\s*\(", code)
    if match is None or code.startswith(("typedef", "struct coterie_host {", "static", "enum")):
        return None
    return match.group(1)


def tidy(code):
    """A declaration on lines without its indent and its comments."""
    code = COMMENT.sub("", code)
    code = re.sub(r"\s*__attribute__\(\(.*\)\)", "", code, flags=re.S)
    return re.sub(r"\s+", " ", code).replace("( ", "(").strip()


def functions(header, struct):
    """The functions of a header, or of a struct in it, as of_text() returns them."""
    with open(os.path.join(TOP, "include", "coterie", header), encoding="utf-8") as file:
        text = file.read()
    if struct is not None:
        start = text.index("struct %s {" % struct) + len("struct %s {" % struct)
        text = text[start:text.index("\n};", start)]
    else:
        text = text[text.index('extern "C" {'):text.rindex("#ifdef __cplusplus")]
    return of_text(text, struct)


def of_text(text, struct):
    """(name, prototype, lines of the comment, version) of each function, in the order of the text.

    The comment of a function is the one in front of it, and the one behind it on its line.
    """
    version, comment, is_taken, last, result = "1.0", [], False, None, []
    for kind, value in tokens(text):
        since = re.search(r"since (\d\.\d+)", value) if kind == "comment" else None
        if since and not value.startswith("/**"):
            version, comment = since.group(1), []
        elif kind == "comment" and value.startswith("/**"):
            comment, is_taken = plain(value), False
        elif kind == "behind" and result and result[-1][1] == last:
            result[-1][2].extend([""] * bool(result[-1][2]) + plain(value))
        elif kind == "gap":
            comment = []
        elif kind == "code":
            name = is_function(value, struct)
            last = tidy(value)
            # A comment belongs to the function below it. Further functions have it only if it names them.
            is_meant = not is_taken or (name is not None and re.search(r"\b%s\b" % name, "\n".join(comment)))
            is_taken = True
            if name is not None:
                lines = list(comment) if is_meant else []
                result.append((name, last, lines, version if struct is not None else None))
    return result


def write_section(name, prototype, lines, version):
    out = ["## %s" % name, "", "```c", prototype, "```", ""]
    if version is not None and version != "1.0":
        out += ["Since ABI %s." % version, ""]
    params = False
    for kind, param, text in sections(lines):
        body = "\n".join(text).strip()
        if kind == "text" and body:
            out += ["\n".join(text).strip(), ""]
        elif kind == "param":
            out += ["- `%s`: %s" % (param, " ".join(text))]
            params = True
        elif kind == "return":
            out += ["", "Returns: " + " ".join(text), ""] if params else ["Returns: " + " ".join(text), ""]
            params = False
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out).rstrip()) + "\n\n"


def page(name, title, header, struct, words):
    found = functions(header, struct)
    out = "# %s\n\nMade by `docs/reference.py` from the comments of `<coterie/%s>`. Change them there.\n\n%s\n\n" % (
        title, header, words)
    out += "".join("- [%s](#%s)\n" % (one[0], one[0]) for one in found) + "\n"
    return out + "".join(write_section(*one) for one in found).rstrip() + "\n"


def main():
    is_check = sys.argv[1:] == ["--check"]
    differ = 0
    for name, title, header, struct, words in PAGES:
        path = os.path.join(TOP, "docs", "reference", name + ".md")
        text = page(name, title, header, struct, words)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                if file.read() == text:
                    continue
        differ = 1
        print("docs/reference/%s.md" % name)
        if not is_check:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return differ if is_check else 0


if __name__ == "__main__":
    sys.exit(main())
