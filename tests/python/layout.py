# SPDX-License-Identifier: BSD-3-Clause
"""layout.py CXX INCLUDE [--corosync]: compare the package's structures, numbers and functions with the C headers.

A C++ program prints sizes, offsets, numbers and the kinds of all arguments. They must be those of ctypes.
--corosync: the headers are Corosync's, without the service kv and newer functions.
"""

from __future__ import annotations

import ctypes
import enum
import os
import subprocess
import sys
import tempfile
from typing import Any

import coterie
from coterie import _native
from coterie import _structs as structs

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = ["cpg", "quorum", "votequorum", "cmap", "cfg"]
PREFIXES: dict[type[enum.IntEnum] | type[enum.IntFlag], str] = {
    coterie.Code: "CS_ERR_",
    coterie.Guarantee: "CPG_TYPE_",
    coterie.Reason: "CPG_REASON_",
    coterie.cpg._Iteration: "CPG_ITERATION_",
    coterie.QuorumType: "QUORUM_",
    coterie.Track: "CS_TRACK_",
    coterie.VoteFlag: "VOTEQUORUM_INFO_",
    coterie.NodeState: "VOTEQUORUM_NODESTATE_",
    coterie.CmapMap: "CMAP_MAP_",
    coterie.ValueType: "CMAP_VALUETYPE_",
    coterie.CmapEvent: "CMAP_TRACK_",
    coterie.ShutdownMode: "COROSYNC_CFG_SHUTDOWN_FLAG_",
    coterie.KvChange: "COTERIE_KV_",
    coterie.KvState: "COTERIE_KV_",
}
RENAMED = {"CS_ERR_OK": "CS_OK", "VOTEQUORUM_NODESTATE_DEVICE": None}
OURS_ALONE = {
    "VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO",
    "VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE",
    "VOTEQUORUM_MODEL_V1",
    "votequorum_model_v1_data_t",
    "votequorum_extra_info_notification_fn_t",
    *_native.VOTEQUORUM_OPTIONAL,
}
NUMBERS = {
    "CS_DISPATCH_ONE_NONBLOCKING": _native.DISPATCH_ONE_NONBLOCKING,
    "CMAP_TRACK_PREFIX": coterie.cmap._PREFIX,
    "CPG_MODEL_V1": coterie.cpg._MODEL_V1,
    "CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF": coterie.cpg._INITIAL_RING,
    "QUORUM_MODEL_V1": coterie.quorum._MODEL_V1,
    "VOTEQUORUM_MODEL_V1": coterie.votequorum._MODEL_V1,
    "CFG_NODE_STATUS_V1": coterie.cfg._NODE_STATUS_V1,
    "AF_INET": coterie.cfg._ADDRESS_FAMILY_INET,
    "COTERIE_KV_LOCAL": coterie.kv._LOCAL,
    "COTERIE_KV_LINEARIZABLE": coterie.kv._LINEARIZABLE,
    "COTERIE_KV_KEYS_ONLY": coterie.kv._KEYS_ONLY,
    "sizeof(struct sockaddr_in6)": structs.SOCKADDR_IN6_SIZE,
    "offsetof(struct sockaddr_in, sin_addr)": coterie.cfg._SIN_ADDRESS.start,
    "offsetof(struct sockaddr_in6, sin6_addr)": coterie.cfg._SIN6_ADDRESS.start,
}


def structures() -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(structs).items()
        if isinstance(value, type) and issubclass(value, ctypes.Structure) and value is not ctypes.Structure
    }


def callbacks() -> dict[str, Any]:
    return {name: value for name, value in vars(structs).items() if hasattr(value, "_argtypes_")}


def kind(argument: Any) -> str:
    if issubclass(argument, ctypes.Structure):
        letter = "s"
    elif hasattr(argument, "contents") or hasattr(argument, "_argtypes_") or argument in (ctypes.c_char_p, ctypes.c_void_p):
        letter = "p"
    else:
        letter = "n"
    return f" {letter}{ctypes.sizeof(argument)}"


def numbers() -> dict[str, int]:
    found = dict(NUMBERS)
    for kinds, prefix in PREFIXES.items():
        for member in kinds:
            name = RENAMED.get(prefix + str(member.name), prefix + str(member.name))
            if name:
                found[name] = int(member)
    for name, value in vars(structs).items():
        if name.isupper() and isinstance(value, int) and name not in ("CPG_MEMBERS_ROOM", "SOCKADDR_IN6_SIZE"):
            found[name] = value
    return found


def main(compiler: list[str], include: str, is_corosync: bool) -> int:
    def has(name: str) -> bool:
        return not is_corosync or (name not in OURS_ALONE and not name.lower().startswith("coterie_kv"))

    wanted: list[str] = []
    calls: list[str] = []
    for name, value in numbers().items():
        if has(name):
            calls.append(f"NUMBER({name});")
            wanted.append(f"{name} {value}")
    for name, structure in structures().items():
        if has(name):
            calls.append(f"NUMBER(sizeof({name}));")
            wanted.append(f"sizeof({name}) {ctypes.sizeof(structure)}")
            for member, *_ in structure._fields_:
                field = getattr(structure, member)
                calls.append(f"PLACE({name}, {member});")
                wanted.append(f"{name}.{member} {field.offset} {field.size}")
    for name, callback in callbacks().items():
        if has(name):
            calls.append(f"SHOW_TYPE({name});")
            result = " void" if callback._restype_ is None else kind(callback._restype_)
            wanted.append(name + result + "".join(map(kind, callback._argtypes_)))
    for _, functions, optional in _native.LIBRARIES.values():
        for name, types in {**functions, **optional}.items():
            if has(name):
                calls.append(f"SHOW({name});")
                wanted.append(f"{name} n{ctypes.sizeof(ctypes.c_int)}" + "".join(map(kind, types)))
    includes = [f"#include <corosync/{name}.h>" for name in HEADERS]
    if not is_corosync:
        includes.append("#include <coterie/kv.h>")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "layout.cc")
        with open(source, "w", encoding="ascii") as file:
            file.write("\n".join([*includes, '#include "layout.hh"', ""]))
            file.write("int main()\n{\n\t" + "\n\t".join(calls) + "\n}\n")
        subprocess.run([*compiler, "-std=c++17", f"-I{include}", f"-I{HERE}", source, "-o", f"{folder}/layout"], check=True)
        got = subprocess.run([f"{folder}/layout"], check=True, capture_output=True, text=True).stdout.splitlines()
    different = [pair for pair in zip(wanted, got) if pair[0] != pair[1]]
    for ours, theirs in different:
        print(f"package: {ours}; headers: {theirs}")
    print(f"{len(got)} facts compared")
    return 1 if different or len(got) != len(wanted) or len(got) < 150 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].split(), sys.argv[2], "--corosync" in sys.argv))
