#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Is this OpenMetrics text 1.0.0?

    openmetrics.py check FILE                every rule of the format that a reader may rely on; silent when kept
    openmetrics.py same FILE FILE [PATTERN]  same families, samples and values; of families that match the
                                             pattern, nothing is looked at, of moving ones not the values
    openmetrics.py value FILE SAMPLE         prints the value of one sample, named with its labels as written
    openmetrics.py whole FILE [PATTERN]      every family (FAMILIES below) is there, of its type, and with its labels;
                                             those that match the pattern have nothing to tell here, and are not
"""
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?Inf|NaN")
SUFFIXES = {"counter": ["_total", "_created"], "gauge": [""], "info": ["_info"], "stateset": [""],
            "histogram": ["_bucket", "_count", "_sum", "_created"], "unknown": [""]}
MOVING = re.compile(r"coterie_(token_|messages_|control_|bytes|ipc_|flow_|service_|send_)|process_|"
                    r"coterie_(link_(packets|bytes|latency|errors|retries)|crypto_|compress_|delivery_|scheduler_|log_)")


# Families and the labels of their samples. Of histograms le is not named.
FAMILIES = {
    "info": """coterie_build(version compat features) coterie_node(node_id node cluster transport instance)
        coterie_ring(rep seq) coterie_plugin(name kind version state)""",
    "stateset": "coterie_state(coterie_state)",
    "gauge": """coterie_start_time_seconds coterie_quorate coterie_quorum_votes(type) coterie_quorum_flag(flag)
        coterie_quorum_votes_spare coterie_qdevice_up(node_id name) coterie_qdevice_votes(node_id name)
        coterie_member(node_id node) coterie_member_votes(node_id node) coterie_ring_members coterie_ring_plain
        coterie_token_last_received_seconds coterie_token_timeout_seconds coterie_send_queue_free
        coterie_lease coterie_lease_seconds
        coterie_send_queue_reserved coterie_send_backlog_messages coterie_flow_control_active(service)
        coterie_send_failures_continuous coterie_gather_continuous coterie_link_suspect
        coterie_link_up(node_id node link) coterie_link_enabled(node_id node link)
        coterie_link_mtu_bytes(node_id node link) coterie_link_latency_seconds(node_id node link stat)
        coterie_crypto_seconds(direction stat) coterie_ipc_connections(service) coterie_ipc_queued(service)
        coterie_cpg_groups coterie_cpg_members coterie_config_version
        coterie_config_last_reload_timestamp_seconds process_resident_memory_bytes process_open_fds
        process_max_fds process_start_time_seconds""",
    "counter": """coterie_member_joins(node_id node) coterie_ring_changes(reason)
        coterie_evictions(evidence) coterie_lease_lapses
        coterie_ring_state_entered(state) coterie_ring_token_lost(state) coterie_ring_consensus_timeouts
        coterie_token_received coterie_token_sent coterie_token_retransmits coterie_token_warnings
        coterie_messages_sent coterie_messages_received(source) coterie_messages_retransmitted coterie_messages_dropped
        coterie_control_packets(kind direction) coterie_bytes(direction) coterie_link_transitions(node_id node link to)
        coterie_link_packets(node_id node link direction kind) coterie_link_bytes(node_id node link direction kind)
        coterie_link_errors(node_id node link direction kind) coterie_link_retries(node_id node link direction kind)
        coterie_crypto_packets(direction) coterie_compress_packets(direction) coterie_compress_bytes(direction stage)
        coterie_ipc_connections_closed coterie_ipc_requests(service) coterie_ipc_responses(service)
        coterie_ipc_events(service) coterie_ipc_overload(service) coterie_ipc_invalid(service) coterie_ipc_denied
        coterie_ipc_refused
        coterie_service_messages(service function direction) coterie_plugin_events(name event)
        coterie_config_reload(result) coterie_scheduler_late coterie_log_lines(level) process_cpu_seconds""",
    "histogram": """coterie_ring_formation_seconds coterie_token_rotation_seconds coterie_token_hold_seconds
        coterie_delivery_latency_seconds(guarantee) coterie_scheduler_delay_seconds""",
}


class Broken(Exception):
    pass


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help, self.samples = name, None, None, None, {}


def labels_of(text, line):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if match is None or match.group(1) in labels:
            raise Broken(f"labels: {line}")
        labels[match.group(1)] = match.group(2)
        at = match.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Broken(f"between labels: {line}")
            at += 1
    return labels


def sample_of(line):
    match = re.fullmatch(rf"({NAME.pattern})(?:\{{(.*)\}})? ({NUMBER.pattern})", line)
    if match is None:
        raise Broken(f"no sample: {line}")
    return match.group(1), labels_of(match.group(2) or "", line), float(match.group(3))


def belongs(name, family):
    return name in [family.name + suffix for suffix in SUFFIXES[family.type or "unknown"]]


def parse(text):
    if not text.endswith("# EOF\n"):
        raise Broken("the last line is not # EOF")
    families, family = {}, None
    for line in text[:-1].split("\n")[:-1]:
        if line.startswith("# "):
            what, _, rest = line[2:].partition(" ")
            name, _, words = rest.partition(" ")
            if what not in ("TYPE", "UNIT", "HELP") or NAME.fullmatch(name) is None:
                raise Broken(f"no metadata: {line}")
            if family is None or family.name != name:
                if name in families:
                    raise Broken(f"family begins twice: {line}")
                family = families[name] = Family(name)
            if family.samples or getattr(family, what.lower()) is not None:
                raise Broken(f"metadata twice or late: {line}")
            if what == "TYPE" and words not in SUFFIXES:
                raise Broken(f"no type: {line}")
            setattr(family, what.lower(), words)
            continue
        name, labels, value = sample_of(line)
        if family is None or not belongs(name, family):
            raise Broken(f"sample of no family, or of another: {line}")
        key = (name, tuple(sorted(labels.items())))
        if key in family.samples:
            raise Broken(f"sample twice: {line}")
        family.samples[key] = value
    return families


def check_series(family, samples):
    buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in samples if name.endswith("_bucket")]
    counts = [value for (name, _), value in samples if name.endswith("_count")]
    sums = [value for (name, _), value in samples if name.endswith("_sum")]
    if not buckets or buckets[-1][0] != math.inf or len(counts) != 1 or len(sums) != 1:
        raise Broken(f"{family.name}: a histogram without +Inf, count or sum")
    if buckets != sorted(buckets) or len({bound for bound, _ in buckets}) != len(buckets):
        raise Broken(f"{family.name}: buckets are out of order")
    if [count for _, count in buckets] != sorted(count for _, count in buckets) or buckets[-1][1] != counts[0]:
        raise Broken(f"{family.name}: buckets do not add up")
    if sums[0] < 0 or (sums[0] > 0 and counts[0] == 0):
        raise Broken(f"{family.name}: a sum of nothing")


def check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        others = tuple(label for label in labels if label[0] != "le")
        series.setdefault(others, []).append(((name, labels), value))
    for samples in series.values():
        check_series(family, samples)


def check(families):
    names = set()
    for family in families.values():
        if family.type is None or not family.help or not family.samples:
            raise Broken(f"{family.name}: without type, help or samples")
        if family.unit is not None and not family.name.endswith("_" + family.unit):
            raise Broken(f"{family.name}: is not called for its unit {family.unit}")
        if family.name.endswith(("_total", "_info", "_bucket", "_count", "_sum", "_created")):
            raise Broken(f"{family.name}: a suffix in the name of a family")
        if family.type == "histogram":
            check_histogram(family)
        for (name, labels), value in family.samples.items():
            if family.type == "counter" and not 0 <= value < math.inf:
                raise Broken(f"{name}: counts {value}")
            if family.type == "info" and value != 1:
                raise Broken(f"{name}: an info of {value}")
            if family.type == "stateset" and (value not in (0, 1) or family.name not in dict(labels)):
                raise Broken(f"{name}: no state")
            if math.isnan(value):
                raise Broken(f"{name}: no number")
        for suffix in SUFFIXES[family.type]:
            if family.name + suffix in names:
                raise Broken(f"{family.name}: its samples could be another's")
            names.add(family.name + suffix)


def labels_wanted(words):
    return {name: set(labels.split()) for name, labels in re.findall(r"([a-z_]+)(?:\(([a-z_ ]*)\))?", words)}


def whole(families, pattern):
    wanted = {}
    for kind, words in FAMILIES.items():
        for name, labels in labels_wanted(words).items():
            wanted[name] = kind, labels
    for name, (kind, labels) in wanted.items():
        if pattern is not None and re.match(pattern, name):
            if name in families:
                raise Broken(f"{name}: is there")
            continue
        if name not in families:
            raise Broken(f"{name}: is missing")
        if families[name].type != kind:
            raise Broken(f"{name}: is a {families[name].type}, not a {kind}")
        for _, of_sample in families[name].samples:
            if {label for label, _ in of_sample} - {"le"} != labels:
                raise Broken(f"{name}: labels {dict(of_sample)}")
    unknown = set(families) - set(wanted)
    if unknown:
        raise Broken(f"of no table: {unknown}")


def same(a, b, pattern):
    for name in sorted(set(a) | set(b)):
        if pattern is not None and re.match(pattern, name):
            continue
        if name not in a or name not in b:
            raise Broken(f"{name}: is in one of the two")
        for what in ("type", "unit", "help"):
            if getattr(a[name], what) != getattr(b[name], what):
                raise Broken(f"{name}: {what} differs")
        if list(a[name].samples) != list(b[name].samples):
            raise Broken(f"{name}: samples differ: {set(a[name].samples) ^ set(b[name].samples)}")
        if MOVING.match(name) is None and a[name].samples != b[name].samples:
            raise Broken(f"{name}: values differ")


def read(name):
    with open(name, encoding="utf-8", newline="") as file:
        families = parse(file.read())
    check(families)
    return families


def main(words):
    if words[0] == "check":
        read(words[1])
    elif words[0] == "whole":
        whole(read(words[1]), words[2] if len(words) > 2 else None)
    elif words[0] == "same":
        same(read(words[1]), read(words[2]), words[3] if len(words) > 3 else None)
    else:
        name, labels, _ = sample_of(words[2] + " 0")
        for family in read(words[1]).values():
            for key, value in family.samples.items():
                if key == (name, tuple(sorted(labels.items()))):
                    print(f"{value:g}")
                    return
        raise Broken(f"no sample {words[2]}")


try:
    main(sys.argv[1:])
except Broken as broken:
    sys.exit(f"{sys.argv[2]}: {broken}")
except UnicodeDecodeError as error:
    sys.exit(f"{sys.argv[2]}: {error}")
