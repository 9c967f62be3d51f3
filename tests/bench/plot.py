# SPDX-License-Identifier: BSD-3-Clause
"""Plots of ratios as SVG, for light and dark pages: how many times better than its opponents ours is, on a log scale.

A bar starts at 1, where both are alike, and goes right where ours is better and left where it is worse; a thin line
spans what single rounds gave, and a mark stands where a target is. Times, memory and the like are turned round, so
that right is better everywhere.
"""
import math
import os
import statistics
from xml.sax.saxutils import escape

import figures

# File, title, and whose figures it shows: kind and unit. It stands in the section of the first kind that there is.
PLOTS = (
    ("throughput.svg", "Throughput on udpu", (("throughput", "MB/s"),)),
    ("cpu.svg", "CPU per message on udpu", (("throughput", "CPU us per message"),)),
    ("transports.svg", "Throughput elsewhere", (
        ("udp", "MB/s"), ("knet", "MB/s"), ("segmented", "MB/s"), ("wire", "MB/s"), ("realtime", "MB/s"),
        ("loss", "MB/s"), ("clients", "MB/s"))),
    ("latency.svg", "Latency", (
        ("latency", "p50 us"), ("latency", "p99 us"), ("realtime", "p50 us"), ("knet", "p50 us"), ("knet", "p99 us"))),
    ("cost.svg", "Memory and idle cost", (
        ("idle", "RSS MB"), ("clients", "RSS MB"), ("idle", "CPU us per s"), ("idle", "wake-ups per s"))),
    ("nodes.svg", "Number of nodes", (("nodes", "MB/s"), ("nodes", "p50 us"))),
    ("crash.svg", "Until the others go on", (("crash", "ms"), ("silence", "ms"))),
)
PLAIN = ("throughput", "latency", "idle", "nodes", "crash", "silence", "loss", "clients")  # cases say it by themselves
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8c959f; stroke-opacity: .35 }
.one { stroke: #24292f }
.spread { stroke: #24292f; stroke-width: 1.5 }
.target { stroke: #cf222e; stroke-width: 3 }
.default { fill: #218bff } .window { fill: #8250df } .tuned { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .one, .spread { stroke: #e6edf3 } .target { stroke: #ff7b72 }
.default { fill: #54aeff } .window { fill: #c297ff } .tuned { fill: #d4a72c }
}
"""
LABELS, WIDTH, MARGIN, BAR, GAP, TOP = 300, 520, 70, 14, 9, 62


def better(unit, ratios):
    """Ratios so that more is better."""
    return ratios if unit in figures.MORE_IS_BETTER else [1 / ratio for ratio in ratios]


class Bar:
    def __init__(self, ring, unit, ratios, limit):
        self.ring, self.values = ring, better(unit, ratios)
        self.median = better(unit, [statistics.median(ratios)])[0]
        self.target = limit and better(unit, [limit])[0]


def groups_of(data, shown):
    """A label and the bars of each case that has any."""
    goals = {(goal.kind, goal.case, goal.unit, goal.by_ring): goal.limit for goal in figures.targets()
             if goal.ring == "coterie" and goal.by_case is None}
    units = {unit for _, unit in shown}
    groups = []
    for kind, unit in shown:
        for case in [key[1] for key in data.order if key[0] == kind and key[2] == unit]:
            bars = []
            for ring in figures.OPPONENTS:
                ratios = [value for value in data.ratios(kind, case, unit, "coterie", ring) if 0 < value < math.inf]
                if ratios:
                    bars.append(Bar(ring, unit, ratios, goals.get((kind, case, unit, ring))))
            if bars:
                words = ([] if kind in PLAIN else [kind]) + [case] + ([unit] if len(units) > 1 else [])
                groups.append((", ".join(words), bars))
    return groups


def element(name, text=None, **attributes):
    words = "".join(' %s="%s"' % (key.rstrip("_").replace("_", "-"), escape(str(value), {'"': "&quot;"}))
                    for key, value in attributes.items())
    return "<%s%s/>" % (name, words) if text is None else "<%s%s>%s</%s>" % (name, words, escape(text), name)


class Scale:
    """From ratios to places, by powers of ten that hold all of them."""

    def __init__(self, values):
        self.low = min(-1, math.floor(math.log10(min(values)) + 1e-9))
        self.high = max(1, math.ceil(math.log10(max(values)) - 1e-9))

    def __call__(self, value):
        return round(LABELS + (math.log10(value) - self.low) / (self.high - self.low) * WIDTH, 1)


def draw_bar(scale, bar, y):
    left, right = sorted((scale(1), scale(bar.median)))
    middle = y + BAR / 2
    lines = [element("rect", x=left, y=y, width=round(max(right - left, 1), 1), height=BAR, class_=bar.ring),
             element("line", x1=scale(min(bar.values)), x2=scale(max(bar.values)), y1=middle, y2=middle,
                     class_="spread")]
    if bar.target is not None:
        place = scale(bar.target)
        lines.append(element("line", x1=place, x2=place, y1=y - 3, y2=y + BAR + 3, class_="target"))
    end = max(right, scale(max(bar.values)), scale(bar.target or 1)) + 6
    return lines + [element("text", figures.in_short(bar.median) + "×", x=end, y=y + BAR - 1)]


def draw(title, groups):
    bars = [bar for _, group in groups for bar in group]
    scale = Scale([value for bar in bars for value in bar.values + [bar.target or 1]])
    height = TOP + sum(len(group) * BAR + GAP for _, group in groups) + 30
    bottom = height - 26
    lines = [element("title", title), element("style", STYLE),
             element("text", title + ": times better than Corosync", x=8, y=20, class_="title")]
    x = 8
    for ring in figures.OPPONENTS:
        if any(bar.ring == ring for bar in bars):
            lines += [element("rect", x=x, y=32, width=12, height=12, class_=ring),
                      element("text", ring, x=x + 17, y=43)]
            x += 90
    if any(bar.target for bar in bars):
        lines += [element("line", x1=x + 5, x2=x + 5, y1=30, y2=46, class_="target"),
                  element("text", "target", x=x + 17, y=43)]
    for power in range(scale.low, scale.high + 1):
        place = scale(10 ** power)
        lines += [element("line", x1=place, x2=place, y1=TOP - 8, y2=bottom, class_="one" if power == 0 else "grid"),
                  element("text", "%g×" % 10 ** power, x=place, y=bottom + 16, text_anchor="middle")]
    y = TOP
    for label, group in groups:
        lines.append(element("text", label, x=LABELS - 10, y=y + len(group) * BAR / 2 + 4, text_anchor="end"))
        for bar in group:
            lines += draw_bar(scale, bar, y)
            y += BAR
        y += GAP
    width = LABELS + WIDTH + MARGIN
    return '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">\n%s\n</svg>\n' % (
        width, height, width, height, "\n".join(lines))


def write_all(data, folder):
    """Writes those that there are figures for. Returns, for each kind, names and titles of plots."""
    written = {}
    for name, title, shown in PLOTS:
        groups, path = groups_of(data, shown), os.path.join(folder, name)
        if groups:
            with open(path, "w", encoding="utf-8") as file:
                file.write(draw(title, groups))
            place = next(kind for kind, _ in shown if kind in data.rounds)
            written.setdefault(place, []).append((name, title))
        elif os.path.exists(path):
            os.unlink(path)
    return written
