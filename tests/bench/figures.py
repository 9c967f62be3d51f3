# SPDX-License-Identifier: BSD-3-Clause
"""The file of figures that bench.sh writes, and what can be said of them.

A line is: kind, case, unit, ring, round, value, percent of the machine that others had; with tabs between. The value is
"void" where a measurement was tried and does not count. Lines "# name<tab>text" are about the machine.
"""
import math
import os
import statistics

OPPONENTS = ("default", "window", "tuned")
ENCRYPTED = ("plain", "aes", "chacha", "knet", "knet-corosync")
MORE_IS_BETTER = ("MB/s", "least of all senders by greatest")
NO_MATTER = ("bytes per packet",)


def in_short(value):
    return "%.0f" % value if 1000 <= value < math.inf else "%.3g" % value


def spread(values):
    """The median, with the least and the greatest; None when there is none."""
    return (statistics.median(values), min(values), max(values)) if values else None


def told(values):
    return "%s [%s..%s]" % tuple(map(in_short, spread(values)))


class Figures:
    def __init__(self, path):
        self.others_max = int(os.environ.get("BENCH_OTHERS", "10"))
        self.machine, self.values, self.order = {}, {}, []
        self.void, self.busy, self.count, self.rounds, self.others = {}, {}, 0, {}, []
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                words = line.rstrip("\n").split("\t")
                if line.startswith("#"):
                    self.machine[words[0][2:]] = words[1]
                elif len(words) == 7:
                    self.add(*words)
                else:
                    raise SystemExit("%s:%d: not a figure: %s" % (path, number, line.strip()))

    def add(self, kind, case, unit, ring, round_, value, others):
        key = (kind, case, unit)
        self.count += 1
        if key not in self.order:
            self.order.append(key)
        self.rounds.setdefault(kind, set()).add(round_)
        if value == "void":
            self.void[key + (ring,)] = self.void.get(key + (ring,), 0) + 1
            return
        self.others.append(int(others))
        if int(others) > self.others_max:
            self.busy[key + (ring,)] = self.busy.get(key + (ring,), 0) + 1
            return
        self.values.setdefault(key + (ring,), {}).setdefault(round_, []).append(float(value))

    def all(self, kind, case, unit, ring):
        rounds = self.values.get((kind, case, unit, ring), {})
        return [value for values in rounds.values() for value in values]

    def ratios(self, kind, case, unit, ring, by_ring, by_case=None):
        """One for each round that has both figures."""
        pairs = self.pairs(kind, case, unit, ring, by_ring, by_case)
        return [our / their if their > 0 else math.inf for our, their in pairs]

    def differences(self, kind, case, unit, ring, by_ring, by_case=None):
        """One for each round that has both figures."""
        return [our - their for our, their in self.pairs(kind, case, unit, ring, by_ring, by_case)]

    def pairs(self, kind, case, unit, ring, by_ring, by_case):
        ours = self.values.get((kind, case, unit, ring), {})
        theirs = self.values.get((kind, by_case or case, unit, by_ring), {})
        return [(statistics.median(ours[at]), statistics.median(theirs[at])) for at in ours if at in theirs]

    def why_missing(self, kind, case, unit, ring):
        """Of a figure that is not there."""
        key, why = (kind, case, unit, ring), []
        if key in self.void:
            why.append("%d void" % self.void[key])
        if key in self.busy:
            why.append("%d left out" % self.busy[key])
        return "missing" + (" (%s)" % ", ".join(why) if why else "")

    def cell(self, kind, case, unit, ring):
        values = self.all(kind, case, unit, ring)
        if values:
            return told(values)
        key = (kind, case, unit, ring)
        return self.why_missing(*key) if key in self.void or key in self.busy else "-"

    def rings(self, kind):
        """Of those that the kind has been measured with, in the order of the page."""
        known = ("coterie",) + OPPONENTS + ("library", "reverse") + ENCRYPTED
        there = {key[3] for table in (self.values, self.void, self.busy) for key in table if key[0] == kind}
        return [ring for ring in known if ring in there]


class Target:
    """One line of targets.tsv: what a figure of a ring, its ratio to another, or what it has more, is to be."""

    def __init__(self, words):
        self.name, self.kind, self.case, self.unit, self.ring, self.by_ring, self.by_case, self.relation, limit = words
        self.limit = float(limit)
        self.by_case = None if self.by_case == "-" else self.by_case

    def values(self, figures):
        if self.by_ring == "-":
            return figures.all(self.kind, self.case, self.unit, self.ring)
        if self.relation == "-<=":
            return figures.differences(self.kind, self.case, self.unit, self.ring, self.by_ring, self.by_case)
        return figures.ratios(self.kind, self.case, self.unit, self.ring, self.by_ring, self.by_case)

    def is_met(self, values):
        median = statistics.median(values)
        return median >= self.limit if self.relation == ">=" else median <= self.limit


def targets():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets.tsv")
    with open(path, encoding="utf-8") as lines:
        return [Target(line.rstrip("\n").split("\t")) for line in lines if not line.startswith("#")]
