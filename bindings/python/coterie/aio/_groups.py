# SPDX-License-Identifier: BSD-3-Clause
"""Closed process groups and quorum for asyncio."""

from __future__ import annotations

from typing import Self

from .. import cpg, quorum, votequorum
from ..types import RingId, Track
from ._connection import AsyncConnection


class Cpg(AsyncConnection[cpg.Cpg, cpg.Event]):
    """:class:`coterie.Cpg` for asyncio. A request has the arguments and errors of the method with the same name there."""

    def __init__(self, instance: str | None = None, timeout: float = 10.0, *, ring_changes: bool = False) -> None:
        super().__init__(lambda: cpg.Cpg(instance, 0, ring_changes=ring_changes), timeout)
        self._atomic_size = 0

    async def open(self) -> Self:
        """Connect. ``async with`` does it. Errors are those of :class:`coterie.Cpg`."""
        await super().open()
        if self._atomic_size == 0 and not self.closed:
            try:
                self._atomic_size = self._opened().max_atomic_size()  # no other request can be under way
            except BaseException:
                await self.close()
                raise
        return self

    async def join(self, group: str) -> None:
        """Join a group."""
        await self._run(lambda connection: connection.join(group))

    async def leave(self, group: str) -> None:
        """Leave the group."""
        await self._run(lambda connection: connection.leave(group))

    async def send(
        self, payload: bytes | bytearray | memoryview, guarantee: cpg.Guarantee = cpg.Guarantee.AGREED
    ) -> None:
        """Send a message to the joined group. Messages of several tasks are sent in the order of their calls."""
        data = bytes(payload)
        await self._run(lambda connection: connection.send(data, guarantee), is_short=len(data) <= self._atomic_size)

    def max_atomic_size(self) -> int:
        """Return the size of the longest message that is sent in one piece, in bytes."""
        self._opened()
        return self._atomic_size

    async def local_nodeid(self) -> int:
        """Return the id of this node."""
        return await self._run(lambda connection: connection.local_nodeid())

    async def members(self, group: str) -> tuple[cpg.Member, ...]:
        """Return the present members of any group."""
        return await self._run(lambda connection: connection.members(group))

    async def groups(self) -> tuple[str, ...]:
        """Return the names of all groups of the cluster."""
        return await self._run(lambda connection: connection.groups())

    async def all_members(self) -> tuple[tuple[str, cpg.Member], ...]:
        """Return the members of all groups."""
        return await self._run(lambda connection: connection.all_members())


class Quorum(AsyncConnection[quorum.Quorum, quorum.Event]):
    """:class:`coterie.Quorum` for asyncio. A request has the arguments and errors of the method with the same name there."""

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        super().__init__(lambda: quorum.Quorum(instance, 0), timeout)

    @property
    def type(self) -> quorum.QuorumType:
        """The origin of the verdict."""
        return self._opened().type

    async def is_quorate(self) -> bool:
        """Return whether this part of the cluster may act."""
        return await self._run(lambda connection: connection.is_quorate())

    async def track(self, flags: Track = Track.CHANGES) -> None:
        """Begin to report events."""
        await self._run(lambda connection: connection.track(flags))

    async def untrack(self) -> None:
        """End that."""
        await self._run(lambda connection: connection.untrack())


class Votequorum(AsyncConnection[votequorum.Votequorum, votequorum.Event]):
    """:class:`coterie.Votequorum` for asyncio. A request has the arguments and errors of the method with the same name."""

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        super().__init__(lambda: votequorum.Votequorum(instance, 0), timeout)

    async def info(self, nodeid: int = 0) -> votequorum.VoteInfo:
        """Return the known facts of a node."""
        return await self._run(lambda connection: connection.info(nodeid))

    async def set_expected(self, votes: int) -> None:
        """Set the expected votes on all nodes of the ring."""
        await self._run(lambda connection: connection.set_expected(votes))

    async def set_votes(self, nodeid: int, votes: int) -> None:
        """Set the votes of a node on all nodes of the ring."""
        await self._run(lambda connection: connection.set_votes(nodeid, votes))

    async def track(self, flags: Track = Track.CHANGES) -> None:
        """Begin to report events."""
        await self._run(lambda connection: connection.track(flags))

    async def untrack(self) -> None:
        """End that."""
        await self._run(lambda connection: connection.untrack())

    async def register_device(self, name: str) -> None:
        """Register a quorum device on this node."""
        await self._run(lambda connection: connection.register_device(name))

    async def unregister_device(self, name: str) -> None:
        """Remove the device of this node, with its votes."""
        await self._run(lambda connection: connection.unregister_device(name))

    async def rename_device(self, old: str, new: str) -> None:
        """Rename the device of this node."""
        await self._run(lambda connection: connection.rename_device(old, new))

    async def poll_device(self, name: str, cast_vote: bool, ring_id: RingId) -> None:
        """Report that the device is alive, and how it votes."""
        await self._run(lambda connection: connection.poll_device(name, cast_vote, ring_id))

    async def set_device_master_wins(self, name: str, allow: bool) -> None:
        """Set whether the vote of this device is enough for the quorum of a partition."""
        await self._run(lambda connection: connection.set_device_master_wins(name, allow))

    async def set_device_extra_info(self, data: bytes) -> None:
        """Set information about the device of this node that programs on all nodes can read."""
        await self._run(lambda connection: connection.set_device_extra_info(data))

    async def device_extra_info(self, nodeid: int) -> bytes:
        """Return the extra information of a node's device."""
        return await self._run(lambda connection: connection.device_extra_info(nodeid))
