# SPDX-License-Identifier: BSD-3-Clause
"""The types that a program sees. mypy --strict accepts this file, and each ignored error is one that it must find."""

from __future__ import annotations

from typing import assert_type

import coterie
from coterie import aio


def synchronous(cpg: coterie.Cpg, quorum: coterie.Quorum, cmap: coterie.Cmap, kv: coterie.Kv) -> None:
    with coterie.Cpg("name", timeout=1) as opened:
        assert_type(opened, coterie.Cpg)
    for event in cpg:
        assert_type(event, coterie.Message | coterie.ConfigurationChange | coterie.RingChange)
        if isinstance(event, coterie.Message):
            assert_type(event.payload, bytes)
            assert_type(event.sender.nodeid, int)
    assert_type(cpg.wait(0), coterie.Message | coterie.ConfigurationChange | coterie.RingChange | None)
    assert_type(quorum.is_quorate(), bool)
    assert_type(cmap["key"], int | float | str | bytes)
    assert_type(cmap.get("key", 5), int | float | str | bytes)
    assert_type(kv.get(b"key"), coterie.KvEntry | None)
    assert_type(kv.put(b"key", b"value"), int)
    cpg.send("text")  # type: ignore[arg-type]
    cpg.join(5)  # type: ignore[arg-type]
    kv.put("key", b"value")  # type: ignore[arg-type]
    cmap["key"] = None  # type: ignore[assignment]
    quorum.track("current")  # type: ignore[arg-type]
    coterie.Member(1, 2).pid = 3  # type: ignore[misc]


async def asynchronous(cpg: aio.Cpg, kv: aio.Kv) -> None:
    async with aio.Cpg(ring_changes=True) as opened:
        assert_type(opened, aio.Cpg)
    async for event in cpg:
        assert_type(event, coterie.Message | coterie.ConfigurationChange | coterie.RingChange)
    assert_type(await kv.get(b"key"), coterie.KvEntry | None)
    assert_type(await kv.next_event(), coterie.KvEvent)
    await cpg.send("text")  # type: ignore[arg-type]
    for _ in cpg:  # type: ignore[attr-defined]
        pass
