# SPDX-License-Identifier: BSD-3-Clause
"""page.py FIGURES PAGE: the page about what bench.sh measured, and its plots in a folder that has the page's name.

Every ratio is the median of those of single rounds. A figure is left out by a rule: when others had more than
BENCH_OTHERS percent (10) of the machine while it was taken.
"""
import os
import statistics
import sys

import figures
import plot

KINDS = (
    ("throughput", "Throughput, udpu",
     "One sender, or all three. MB/s are those of payload that a receiver delivered. CPU is that of all daemons and "
     "clients together."),
    ("udp", "Throughput, udp multicast", "One sender."),
    ("knet", "knet without encryption", "One sender. Round trips are as in [Latency](#latency-udpu)."),
    ("encrypted", "Encryption",
     "One sender. Round trips are as in [Latency](#latency-udpu). aes256 is crypto_cipher: aes256 and crypto_hash: sha256, "
     "with libknet's default library. A full frame has 1,344 bytes. It is sealed once and opened by each receiver. "
     "[limits.md](performance/limits.md) shows where the time is spent."),
    ("encrypted_udp", "Encryption, udp multicast", "One sender. A frame is sealed once for all nodes."),
    ("segmented", "Segmentation forced",
     "One sender, udpu. A batch crosses a veth pair in one piece, which favours senders of batches. Here the "
     "kernel cuts it before it leaves the sender. The table has the mean size of the packets that left."),
    ("wire", "Slower wires", "udpu. The rate at which a node may send is limited, and batches are cut as above."),
    ("loss", "Loss",
     "udpu, one sender. Every node loses so many of the packets that reach it, at random, while the clock runs."),
    ("realtime", "At real-time priority", "udpu, one sender, with sched_rr: yes for both, as they come; all else here is without."),
    ("latency", "Latency, udpu",
     "From the call to the delivery of one's own message, on the node with the lowest id. One at a time: the client "
     "sleeps until it is back; polled: it looks all the time; thread beside: one thread is blocked in cpg_dispatch(), "
     "and the sender yields the processor until that has delivered. At a rate: from when a message was due; 100 % is "
     "what Corosync as it comes delivered in that round."),
    ("idle", "Memory and idle cost", "udpu. Figures of one daemon, the mean of three. CPU and wake-ups over five seconds."),
    ("clients", "Many clients",
     "udpu, one sender, with 50 more receivers on one node. Then with one client that joins and never receives, beside "
     "three that do."),
    ("nodes", "Number of nodes", "udpu, one sender. All nodes share the cores of this machine."),
    ("crash", "A daemon is killed",
     "Idle ring, default timers: the time from the signal until the slowest survivor has delivered the new configuration. "
     "Then the time from the start of a daemon until all nodes have delivered the configuration with it."),
    ("silence", "A node falls silent",
     "Idle ring, default timers: a daemon is stopped, or a cable is taken out, until the slowest of the others has "
     "delivered the new configuration."),
)
RINGS = {
    "default": "Corosync as it comes",
    "window": "Corosync with window_size 300 and max_messages 100: ours grows to about as much by itself",
    "tuned": "Corosync at its best on this machine: netmtu 60000, window_size 200, max_messages 100. No distribution ships it: "
             "a frame has 41 fragments, and the loss of one loses all",
    "library": "Debian's client library on our daemon",
    "reverse": "our client library on Corosync as it comes",
    "plain": "ours without encryption, in the rounds of those with it",
    "aes": "ours on udp or udpu with aes256-gcm",
    "chacha": "ours on udp or udpu with chacha20-poly1305",
    "knet": "ours on knet with aes256",
    "knet-corosync": "Corosync on knet with aes256",
}
# Rings that are compared, besides ours with its opponents.
PAIRS = (("library", "default"), ("reverse", "default"), ("aes", "plain"), ("chacha", "plain"), ("aes", "knet-corosync"),
         ("chacha", "knet-corosync"), ("knet", "knet-corosync"))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def introduction(data):
    machine = data.machine
    low, high = (min(data.others), max(data.others)) if data.others else (0, 0)
    busy = sum(data.busy.values())
    return [
        "# Performance", "",
        "`make bench` on a machine with Debian's corosync makes these measurements and writes this page. `make bench-page` "
        "writes it again from the same figures, which are in [`%s`](%s)." % (
            (os.path.basename(data.path), data.link)), "",
        "%s, %s cores, %s, %s; Corosync %s; Coterie at %s. Nodes are network namespaces on one bridge, MTU 1500, "
        "net.core.rmem_max %s, three of them if not said otherwise, and their clients run on the same cores. Daemons "
        "and clients run at ordinary priority (sched_rr: no) with default timers, and nothing is pinned to a core.%s" % (
            tuple(machine.get(name, "?") for name in (
                "processor", "cores", "memory", "kernel", "corosync", "commit", "rmem_max")) + (crowd(machine),)), "",
        "Rounds are interleaved: one ring after the other, each with fresh daemons. %s A client has a thread that "
        "sends as much as is accepted, and one that is blocked in `cpg_dispatch()`. The same program runs everywhere. It "
        "warms up for %s s. Then the messages of %s s count, if all members delivered the same in the same order "
        "without a gap." % (rounds(data), seconds(machine, "warm_ms"), seconds(machine, "measured_ms")), "",
        "Figures are medians over the rounds with [least..greatest]. A ratio is the median of the ratios within each "
        "round. Other processes used %d to %d %% of the machine. Figures that were measured while they used more than %d %% are left out: "
        "%d of %d figures. Void are %d, where order or number were not right or a ring did not form." % (
            low, high, data.others_max, busy, data.count, sum(data.void.values())), "",
    ] + ["- **%s**: %s." % ring for ring in RINGS.items()] + ["- **coterie**: ours, as it comes.", ""]


def crowd(machine):
    if int(machine.get("cores", "1")) >= 6:
        return ""
    return " There are more daemons and clients than cores: the results of three senders show that as much as the ring itself."


def rounds(data):
    counts = {}
    for kind, _, _ in KINDS:
        if kind in data.rounds:
            counts.setdefault(len(data.rounds[kind]), []).append(kind)
    return " ".join("%d round%s of %s." % (count, "" if count == 1 else "s", ", ".join(kinds))
                    for count, kinds in sorted(counts.items(), reverse=True))


def seconds(machine, name):
    return "%g" % (float(machine.get(name, "0")) / 1000)


def judged(data):
    """The table of targets, after a line that adds it up."""
    rows, met, missing = [], 0, 0
    goals = figures.targets()
    for goal in goals:
        values = goal.values(data)
        wanted = "%s %g" % ({">=": "≥", "<=": "≤", "-<=": "≤"}[goal.relation], goal.limit)
        if values:
            is_met = goal.is_met(values)
            met += is_met
            rows.append((goal.name, figures.told(values), wanted, "met" if is_met else "**not met**"))
        else:
            missing += 1
            rows.append((goal.name, missing_of(data, goal), wanted, "**missing**"))
    return ["## Targets", "",
            "Of %d targets %d are met, %d are not, %d cannot be judged. Ratios are to Corosync as it comes if not said "
            "otherwise." % (len(goals), met, len(goals) - met - missing, missing), ""] + \
        table(("target", "ratio, or figure", "wanted", ""), rows)


def missing_of(data, goal):
    sides = [(goal.kind, goal.case, goal.unit, goal.ring)]
    if goal.by_ring != "-":
        sides.append((goal.kind, goal.by_case or goal.case, goal.unit, goal.by_ring))
    return "; ".join("%s: %s" % (side[3], data.why_missing(*side)) for side in sides if not data.all(*side)) or \
        "missing in the same round"


def compared(rings):
    """Which ring by which."""
    pairs = [("coterie", ring) for ring in figures.OPPONENTS if ring in rings]
    return [pair for pair in pairs + list(PAIRS) if set(pair) <= set(rings)]


def kind_table(data, kind):
    rings = data.rings(kind)
    pairs = compared(rings)
    rows = []
    for case, unit in [key[1:] for key in data.order if key[0] == kind]:
        row = [case, unit] + [data.cell(kind, case, unit, ring) for ring in rings]
        for ring, by_ring in pairs:
            values = [] if unit in figures.NO_MATTER else data.ratios(kind, case, unit, ring, by_ring)
            row.append(figures.told(values) if values else "-")
        rows.append(row)
    return table(["", ""] + rings + ["%s by %s" % pair for pair in pairs], rows)


def losses(data):
    """Where ours is worse."""
    rows = []
    pairs = [("coterie", ring) for ring in figures.OPPONENTS] + [pair for pair in PAIRS if pair[1] == "knet-corosync"]
    for kind, case, unit in data.order:
        for ring, by_ring in pairs:
            values = data.ratios(kind, case, unit, ring, by_ring)
            if not values or unit in figures.NO_MATTER or unit.startswith("least"):
                continue
            median = statistics.median(values)
            if median < 1 if unit in figures.MORE_IS_BETTER else median > 1:
                worse = sum(value < 1 if unit in figures.MORE_IS_BETTER else value > 1 for value in values)
                rows.append((kind, case, unit, by_ring, ring, figures.told(values), "%d of %d" % (worse, len(values))))
    if not rows:
        return ["## Where Corosync is better", "", "Nowhere among these figures.", ""]
    return ["## Where Corosync is better", ""] + table(("kind", "case", "", "which", "ours", "ours by it", "rounds"), rows)


def main():
    data_path, page_path = sys.argv[1:3]
    data = figures.Figures(data_path)
    folder = os.path.splitext(page_path)[0]
    data.path = data_path
    data.link = os.path.relpath(data_path, os.path.dirname(page_path) or ".")
    os.makedirs(folder, exist_ok=True)
    lines = introduction(data) + judged(data) + losses(data)
    plots = plot.write_all(data, folder)
    for kind, title, text in KINDS:
        if kind not in data.rounds:
            continue
        lines += ["## " + title, "", text, ""]
        for name, label in plots.get(kind, []):
            lines += ["![%s](%s/%s)" % (label, os.path.basename(folder), name), ""]
        lines += kind_table(data, kind)
    with open(page_path, "w", encoding="utf-8") as page:
        page.write("\n".join(lines).rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
