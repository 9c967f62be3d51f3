# SPDX-License-Identifier: BSD-3-Clause
"""run.py MODULE...: run the unittest cases of modules in this folder, and print TAP.

A test is named for its class and method. The traceback of a failure becomes comments.
"""

from __future__ import annotations

import faulthandler
import sys
import unittest
import warnings


TIMEOUT_S = 240  # of all tests: then the places of all threads are printed


class TapResult(unittest.TestResult):
    """One line for each test. Subtests that fail make their test fail."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.bad = len(self.failures) + len(self.errors)

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.count += 1
        _, case, method = test.id().rsplit(".", 2)
        found = (self.failures + self.errors)[:]
        is_bad = len(found) > self.bad
        print(f"{'not ok' if is_bad else 'ok'} {self.count} - {case}: {method.removeprefix('test_').replace('_', ' ')}")
        if is_bad:
            for failed, trace in found:
                if failed.id().startswith(test.id()):
                    print("\n".join("# " + line for line in trace.splitlines()))
        sys.stdout.flush()


def main(names: list[str]) -> int:
    faulthandler.dump_traceback_later(TIMEOUT_S, exit=True)
    warnings.simplefilter("error")
    result = TapResult()
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    suite.run(result)
    outside = [failure for failure in result.errors if not isinstance(failure[0], unittest.TestCase)]
    for place, trace in outside:
        result.count += 1
        print(f"not ok {result.count} - {place}")
        print("\n".join("# " + line for line in trace.splitlines()))
    print(f"1..{result.count}")
    return 0 if result.wasSuccessful() and result.count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
