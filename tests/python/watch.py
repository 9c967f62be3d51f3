# SPDX-License-Identifier: BSD-3-Clause
"""Print changes of the group python.watch, of the ring and of quorum, until the daemon is gone."""

from __future__ import annotations

import asyncio

import coterie
from coterie import aio


async def watch_group() -> None:
    async with aio.Cpg(ring_changes=True) as cpg:
        await cpg.join("python.watch")
        async for event in cpg:
            match event:
                case coterie.ConfigurationChange():
                    print("group", len(event.members), flush=True)
                    for member in event.left:
                        print("left", member.nodeid, coterie.Reason(member.reason).name, flush=True)
                case coterie.RingChange():
                    print("ring", len(event.members), flush=True)


async def watch_quorum() -> None:
    was_lost = False
    async with aio.Quorum() as quorum:
        await quorum.track()
        async for event in quorum:
            if isinstance(event, coterie.QuorumChange):
                print("quorate", event.quorate, *["again"] * (event.quorate and was_lost), flush=True)
                was_lost = was_lost or not event.quorate


async def main() -> None:
    try:
        await asyncio.gather(watch_group(), watch_quorum())
    except coterie.LibraryError as exception:
        print("LibraryError:", exception, flush=True)


asyncio.run(main())
