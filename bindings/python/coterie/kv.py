# SPDX-License-Identifier: BSD-3-Clause
"""The replicated table of keys and values of Coterie's service kv. See coterie_kv_overview(3).

Keys have 1 to 255 bytes, values 0 to 1,044,480, of any content. Each write has one place in the order of the cluster. Its
number there is the revision.
"""

from __future__ import annotations

import ctypes
import dataclasses
import enum
from ctypes import byref
from typing import Any

from . import _structs as s
from ._connection import Connection
from .errors import Code, NotExistError, TooBigError

_LOCAL = 0
_LINEARIZABLE = 1
_KEYS_ONLY = 2
_ROOM_FIRST = 4096


class KvChange(enum.IntEnum):
    """Kinds of events."""

    PUT = 1
    DELETED = 2
    #: Changes were left out. List the keys again: all changes up to ``modified`` may be missing
    MISSED = 3


class KvState(enum.IntEnum):
    """State of this node."""

    NO_QUORUM = 0  #: only local reads
    READY = 1
    CATCHING_UP = 2  #: another node is sending its state to this one
    WAITING = 3  #: nodes that may have newer state are missing


@dataclasses.dataclass(frozen=True)
class KvEntry:
    """A key and its value.

    :ivar value: ``None`` in a list of keys only
    :ivar created: revision of the write that created the key
    :ivar modified: revision of its last change
    """

    key: bytes
    value: bytes | None
    created: int
    modified: int


@dataclasses.dataclass(frozen=True)
class KvEvent:
    """A change that a watch reports, in the order of the revisions.

    :ivar watch: the result of :meth:`Kv.watch`
    :ivar key: empty with MISSED
    :ivar value: ``None`` but with PUT
    :ivar modified: the revision
    """

    watch: int
    change: KvChange
    key: bytes
    value: bytes | None
    modified: int


@dataclasses.dataclass(frozen=True)
class KvList:
    """The result of :meth:`Kv.list`.

    :ivar revision: of the first page. A watch that began before, and whose events after this revision are applied, misses
        no change
    """

    entries: tuple[KvEntry, ...]
    revision: int


@dataclasses.dataclass(frozen=True)
class KvStatus:
    """State of the table on this node.

    :ivar hash: of all writes so far, equal on nodes with the same state
    :ivar bytes: used by keys and values, with 64 for each entry
    :ivar donor: node id of the node that sends its state to others, or 0
    :ivar waiting: node ids of nodes that are missing
    """

    revision: int
    hash: int
    keys: int
    bytes: int
    bytes_max: int
    state: KvState
    donor: int
    waiting: tuple[int, ...]


class Kv(Connection[KvEvent]):
    """A connection to the service. Events are :class:`KvEvent`, after :meth:`watch`.

    A request is repeated until the timeout while the node has no quorum, waits for other nodes or catches up with them.

    A write that raises :class:`InterruptError` or :class:`LibraryError` may have happened or not: a
    linearizable read shows it.
    """

    _service = "kv"
    _prefix = "coterie_kv_"

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        self._callback = s.coterie_kv_notify(self._on_change)
        super().__init__(instance, timeout)

    def _initialize(self) -> int:
        return self._library.function("coterie_kv_initialize")(byref(self._handle), self._callback, None)

    def _on_change(self, _handle: int, watch: int, change: int, entry: Any) -> None:
        def event() -> KvEvent:
            what = entry[0]
            kind = KvChange(change)
            value = s.copied(what.value, what.value_size) if kind == KvChange.PUT else None
            return KvEvent(watch, kind, s.copied(what.key, what.key_size), value, what.modified)

        self._receive(event)

    @staticmethod
    def _check_key(call: str, key: bytes) -> None:
        if len(key) > s.COTERIE_KV_KEY_MAX:
            raise TooBigError(call, Code.TOO_BIG, f"a key has at most {s.COTERIE_KV_KEY_MAX} bytes")

    def put(self, key: bytes, value: bytes) -> int:
        """Write a value. Return the revision.

        :raises NoSpaceError: the table is full
        :raises TooBigError: the key or the value is too long
        """
        revision = ctypes.c_uint64()
        self._call("put", key, len(key), value, len(value), byref(revision))
        return revision.value

    def put_if(self, key: bytes, value: bytes, expected: int) -> int:
        """Write a value if the last change of the key was the write ``expected``. Return the revision.

        :param expected: 0: the key must not exist
        :raises ExistsError: ``expected`` is 0 and the key exists
        :raises NotExistError: there is no such key
        :raises FailedOperationError: it has another revision
        """
        revision = ctypes.c_uint64()
        self._call("put_if", key, len(key), value, len(value), expected, byref(revision))
        return revision.value

    def delete(self, key: bytes) -> int:
        """Delete a key. Return the revision. :raises NotExistError: there is no such key"""
        revision = ctypes.c_uint64()
        self._call("delete", key, len(key), byref(revision))
        return revision.value

    def delete_if(self, key: bytes, expected: int) -> int:
        """Delete a key if its last change was the write ``expected``, which is not 0. Return the revision.

        :raises NotExistError: there is no such key
        :raises FailedOperationError: it has another revision
        """
        revision = ctypes.c_uint64()
        self._call("delete_if", key, len(key), expected, byref(revision))
        return revision.value

    def get(self, key: bytes, *, linearizable: bool = True) -> KvEntry | None:
        """Return an entry, or ``None`` if there is no such key.

        :param linearizable: include all writes before the call, which needs quorum. Otherwise the state of this node now,
            which may be old if the node is cut off
        """
        self._check_key("coterie_kv_get", key)
        flags = _LINEARIZABLE if linearizable else _LOCAL
        entry = s.coterie_kv_entry()
        size = _ROOM_FIRST
        while True:
            room = ctypes.create_string_buffer(size)
            try:
                self._call("get", flags, key, len(key), room, size, byref(entry))
                return KvEntry(key, room.raw[: entry.value_size], entry.created, entry.modified)
            except NotExistError:
                return None
            except TooBigError:
                if entry.value_size <= size:
                    raise
                size = entry.value_size

    def list(self, prefix: bytes = b"", *, linearizable: bool = True, keys_only: bool = False) -> KvList:
        """Return all entries whose keys begin with a prefix, in ascending order.

        A long list is read in pages. Each page is consistent, the whole list is not.

        :param keys_only: without values
        """
        flags = (_LINEARIZABLE if linearizable else _LOCAL) | (_KEYS_ONLY if keys_only else 0)
        entries: list[KvEntry] = []
        failures: list[BaseException] = []
        revision = ctypes.c_uint64()

        def visit(_arg: int | None, entry: Any) -> int:
            try:
                what = entry[0]
                value = None if keys_only else s.copied(what.value, what.value_size)
                entries.append(KvEntry(s.copied(what.key, what.key_size), value, what.created, what.modified))
                return 0
            except BaseException as exception:  # pylint: disable=broad-except
                failures.append(exception)
                return 1

        function = self._library.function("coterie_kv_list")
        callback = s.coterie_kv_visit(visit)

        def attempt() -> int:
            with self._calls:
                self._check_open("coterie_kv_list")
                entries.clear()
                return function(self._handle, flags, prefix, len(prefix), callback, None, byref(revision))

        self._retry("coterie_kv_list", attempt)
        if failures:
            raise failures[0]
        return KvList(tuple(entries), revision.value)

    def watch(self, prefix: bytes = b"") -> tuple[int, int]:
        """Report all changes of keys that begin with a prefix from now on.

        :return: number of the watch, and the revision after which changes are reported
        :raises NoResourcesError: the connection has 64 watches
        """
        watch = ctypes.c_uint32()
        revision = ctypes.c_uint64()
        self._call("watch", prefix, len(prefix), byref(watch), byref(revision))
        return watch.value, revision.value

    def unwatch(self, watch: int) -> None:
        """End a watch. Events that are under way still come. :raises NotExistError: no such watch"""
        self._call("unwatch", watch)

    def status(self) -> KvStatus:
        """Return the state of the table on this node."""
        raw = s.coterie_kv_status()
        self._call("status_get", byref(raw))
        return KvStatus(
            revision=raw.revision,
            hash=raw.hash,
            keys=raw.keys,
            bytes=raw.bytes,
            bytes_max=raw.bytes_max,
            state=KvState(raw.state),
            donor=raw.donor,
            waiting=tuple(raw.waiting[: min(raw.waiting_count, s.COTERIE_KV_WAITING_MAX)]),
        )

    def recover(self) -> None:
        """Give up the missing nodes, and go on with the newest state that is there, or with an empty table.

        Writes that only the missing nodes have are lost for good. This is for operators.

        :raises AccessError: the user may not administer the daemon
        :raises NotExistError: no nodes are missing
        """
        self._call("recover")
