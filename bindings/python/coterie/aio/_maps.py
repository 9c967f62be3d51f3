# SPDX-License-Identifier: BSD-3-Clause
"""The configuration map, administration and the replicated table for asyncio."""

from __future__ import annotations

from .. import cfg, cmap, kv
from ._connection import AsyncConnection

_ALL = cmap.CmapEvent.DELETE | cmap.CmapEvent.MODIFY | cmap.CmapEvent.ADD


class Cmap(AsyncConnection[cmap.Cmap, cmap.CmapChange]):
    """:class:`coterie.Cmap` for asyncio. A request has the arguments and errors of the method with the same name there."""

    def __init__(
        self,
        instance: str | None = None,
        timeout: float = 10.0,
        *,
        map: cmap.CmapMap = cmap.CmapMap.DEFAULT,
    ) -> None:
        super().__init__(lambda: cmap.Cmap(instance, 0, map=map), timeout)

    async def get(self, key: str, default: cmap.Value | None = None) -> cmap.Value | None:
        """Return the value of a key, or ``default`` if there is none."""
        return await self._run(lambda connection: connection.get(key, default))

    async def get_typed(self, key: str) -> tuple[cmap.ValueType, cmap.Value]:
        """Return the type and the value of a key."""
        return await self._run(lambda connection: connection.get_typed(key))

    async def set(self, key: str, value: cmap.Value, type: cmap.ValueType | None = None) -> None:
        """Set a key, or add it."""
        await self._run(lambda connection: connection.set(key, value, type))

    async def delete(self, key: str) -> None:
        """Delete a key."""
        await self._run(lambda connection: connection.delete(key))

    async def increment(self, key: str) -> None:
        """Add 1 to an integer."""
        await self._run(lambda connection: connection.increment(key))

    async def decrement(self, key: str) -> None:
        """Subtract 1 from an integer."""
        await self._run(lambda connection: connection.decrement(key))

    async def keys(self, prefix: str = "") -> list[str]:
        """Return the names of all keys that begin with a prefix."""
        return await self._run(lambda connection: connection.keys(prefix))

    async def items(self, prefix: str = "") -> list[tuple[str, cmap.Value]]:
        """Return keys that begin with a prefix, and their values."""
        return await self._run(lambda connection: connection.items(prefix))

    async def track(self, key: str, events: cmap.CmapEvent = _ALL, *, prefix: bool = False) -> cmap.Tracker:
        """Report changes of a key. End it with :meth:`untrack`."""
        return await self._run(lambda connection: connection.track(key, events, prefix=prefix))

    async def untrack(self, tracker: cmap.Tracker) -> None:
        """End a tracker."""
        await self._run(lambda _: tracker.close())


class Cfg(AsyncConnection[cfg.Cfg, cfg.ShutdownRequest]):
    """:class:`coterie.Cfg` for asyncio. A request has the arguments and errors of the method with the same name there."""

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        super().__init__(lambda: cfg.Cfg(instance, 0), timeout)

    async def local_nodeid(self) -> int:
        """Return the id of this node."""
        return await self._run(lambda connection: connection.local_nodeid())

    async def ring_status(self) -> tuple[cfg.RingStatus, ...]:
        """Return the links of this node."""
        return await self._run(lambda connection: connection.ring_status())

    async def node_status(self, nodeid: int) -> cfg.NodeStatus:
        """Return the status of a node."""
        return await self._run(lambda connection: connection.node_status(nodeid))

    async def node_addresses(self, nodeid: int = 0) -> tuple[cfg.Address, ...]:
        """Return the addresses of a node."""
        return await self._run(lambda connection: connection.node_addresses(nodeid))

    async def kill_node(self, nodeid: int, reason: str) -> None:
        """End the daemon of a member at once."""
        await self._run(lambda connection: connection.kill_node(nodeid, reason))

    async def track(self) -> None:
        """Report shutdowns from now on."""
        await self._run(lambda connection: connection.track())

    async def untrack(self) -> None:
        """End that."""
        await self._run(lambda connection: connection.untrack())

    async def try_shutdown(self, mode: cfg.ShutdownMode = cfg.ShutdownMode.REQUEST) -> None:
        """Stop this node's daemon."""
        await self._run(lambda connection: connection.try_shutdown(mode))

    async def reply_to_shutdown(self, agree: bool) -> None:
        """Answer a :class:`coterie.ShutdownRequest`."""
        await self._run(lambda connection: connection.reply_to_shutdown(agree))

    async def reload_config(self) -> None:
        """Make all nodes read their own configuration files again."""
        await self._run(lambda connection: connection.reload_config())

    async def reopen_log_files(self) -> None:
        """Make this node's daemon open its log files again."""
        await self._run(lambda connection: connection.reopen_log_files())


class Kv(AsyncConnection[kv.Kv, kv.KvEvent]):
    """:class:`coterie.Kv` for asyncio. A request has the arguments and errors of the method with the same name there."""

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        super().__init__(lambda: kv.Kv(instance, 0), timeout)

    async def put(self, key: bytes, value: bytes) -> int:
        """Write a value. Return the revision."""
        return await self._run(lambda connection: connection.put(key, value))

    async def put_if(self, key: bytes, value: bytes, expected: int) -> int:
        """Write a value if the last change of the key was the write ``expected``. Return the revision."""
        return await self._run(lambda connection: connection.put_if(key, value, expected))

    async def delete(self, key: bytes) -> int:
        """Delete a key. Return the revision."""
        return await self._run(lambda connection: connection.delete(key))

    async def delete_if(self, key: bytes, expected: int) -> int:
        """Delete a key if its last change was the write ``expected``. Return the revision."""
        return await self._run(lambda connection: connection.delete_if(key, expected))

    async def get(self, key: bytes, *, linearizable: bool = True) -> kv.KvEntry | None:
        """Return an entry, or ``None`` if there is no such key."""
        return await self._run(lambda connection: connection.get(key, linearizable=linearizable))

    async def list(self, prefix: bytes = b"", *, linearizable: bool = True, keys_only: bool = False) -> kv.KvList:
        """Return all entries whose keys begin with a prefix."""
        return await self._run(
            lambda connection: connection.list(prefix, linearizable=linearizable, keys_only=keys_only)
        )

    async def watch(self, prefix: bytes = b"") -> tuple[int, int]:
        """Report all changes of keys that begin with a prefix from now on."""
        return await self._run(lambda connection: connection.watch(prefix))

    async def unwatch(self, watch: int) -> None:
        """End a watch."""
        await self._run(lambda connection: connection.unwatch(watch))

    async def status(self) -> kv.KvStatus:
        """Return the state of the table on this node."""
        return await self._run(lambda connection: connection.status())

    async def recover(self) -> None:
        """Give up the missing nodes."""
        await self._run(lambda connection: connection.recover())
