# SPDX-License-Identifier: BSD-3-Clause
"""run.py check LIST: check that each mutant of the list can be made. Prints TAP.
run.py play LIST BUILD [--with PROGRAM | --without PROGRAM] [NAME...]: make each mutant in this tree, build its tests in BUILD and run them. A mutant
is caught when one of its tests fails. --with: only the mutants that this program is to notice, and no other test. --without: only those that it is not to notice. Prints TAP. Changes files of the tree and puts them back: run it on a copy (mutants.sh does).

A mutant of the list, behind an empty line:

	NAME: what is wrong with it
	file PATH
	- a line, or several, that occur together once in the file. Indentation and line breaks do not count
	+ what stands in their place; none: they are removed
	test PROGRAM [ARGUMENT...]
	unseen why no history of whole nodes can notice it

run.py unseen LIST: print the mutants that have such a reason, as lines of a page.
"""

import os
import pathlib
import re
import subprocess
import sys

TIMEOUT_S = int(os.environ.get("MUTANTS_TIMEOUT_S", "300"))  # more on a loaded machine: a test that hangs has noticed the mutant


class Mutant:
    """One change of one file, and the tests that must notice it."""

    def __init__(self, record):
        lines = record.strip("\n").split("\n")
        self.name, self.what = lines[0].split(": ", 1)
        self.path = pathlib.Path(next(line[5:] for line in lines if line.startswith("file ")))
        self.old = [line[2:].strip() for line in lines if line.startswith("- ")]
        self.new = [line[2:] for line in lines if line.startswith("+ ")]
        self.unseen = next((line[7:] for line in lines if line.startswith("unseen ")), None)
        self.tests = [line[5:].split() for line in lines if line.startswith("test ")]

    def places(self):
        """Return the matches of the old text. It begins and ends with a line; how it is broken into lines is free."""
        words = [re.escape(word).replace(r"\(", r"\(\s*") for word in " ".join(self.old).split()]
        pattern = r"^[ \t]*" + r"\s*".join(words) + r"[ \t]*$"
        return list(re.finditer(pattern, self.path.read_text(), re.MULTILINE))

    def mutated(self):
        """Return the file's text with the change."""
        text = self.path.read_text()
        match = self.places()[0]
        indent = re.match(r"\s*", match.group()).group()
        new = "".join(indent + line + "\n" for line in self.new)
        return text[:match.start()] + new + text[match.end() + 1:]


def read_list(path):
    """Return the mutants of a list."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    return [Mutant(record) for record in re.split(r"\n\s*\n", text) if record.strip()]


def check(mutants):
    """Print for each mutant whether it can be made."""
    for number, mutant in enumerate(mutants, 1):
        problem = ""
        if not mutant.old or not mutant.tests:
            problem = "no old text or no test"
        elif len(mutant.places()) != 1:
            problem = f"the text occurs {len(mutant.places())} times in {mutant.path}"
        print(f"{'not ok' if problem else 'ok'} {number} - {mutant.name}{': ' + problem if problem else ''}")
    print(f"1..{len(mutants)}")


def is_caught(mutant, build):
    """Build and run its tests. Return the test that failed, or None."""
    programs = sorted({test[0] for test in mutant.tests})
    made = subprocess.run(["make", "--no-print-directory", "-s", "-C", build, *programs], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError("it does not compile:\n" + made.stdout[-2000:])
    for program, *arguments in mutant.tests:
        try:
            done = subprocess.run([f"{build}/{program}", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return program, "it hangs"
        # The first case of a unit test that fails, or the first seed of a simulator, or the last line of all.
        failed = re.findall(r"^not ok \d+ - (?:\S*/)?(\S+?):? ", done.stdout, re.MULTILINE)
        failed += re.findall(r"^seed \d+\b.*", done.stdout, re.MULTILINE) if done.returncode != 0 else []
        if done.returncode != 0 or failed:
            return program, (failed[0] if failed else (done.stdout.strip().split("\n") or [""])[-1])[:100]
    return None


def play(mutants, build):
    """Make, build and run all mutants."""
    for number, mutant in enumerate(mutants, 1):
        kept = mutant.path.read_text()
        try:
            mutant.path.write_text(mutant.mutated())
            caught = is_caught(mutant, build)
            result = f"caught by {caught[0]}: {caught[1]}" if caught else "SURVIVES"
        except (RuntimeError, IndexError) as error:
            caught, result = None, str(error)
        finally:
            mutant.path.write_text(kept)
        print(f"{'ok' if caught else 'not ok'} {number} - {mutant.name} ({mutant.what}): {result}", flush=True)
    print(f"1..{len(mutants)}")


def main():
    mutants = read_list(pathlib.Path(sys.argv[2]))
    if sys.argv[1] == "check":
        check(mutants)
        return
    if sys.argv[1] == "unseen":
        for mutant in mutants:
            if mutant.unseen:
                print(f"- `{mutant.name}`: {mutant.what}. {mutant.unseen}")
        return
    names = sys.argv[4:]
    if names[:1] == ["--with"]:
        for mutant in mutants:
            mutant.tests = [test for test in mutant.tests if test[0] == names[1]]
        mutants = [mutant for mutant in mutants if mutant.tests]
        names = names[2:]
    elif names[:1] == ["--without"]:
        mutants = [mutant for mutant in mutants if all(test[0] != names[1] for test in mutant.tests)]
        names = names[2:]
    play([mutant for mutant in mutants if not names or mutant.name in names], sys.argv[3])


if __name__ == "__main__":
    main()
