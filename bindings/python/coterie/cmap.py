# SPDX-License-Identifier: BSD-3-Clause
"""The configuration map: typed keys of this node. See cmap_overview(3), and cmap_keys(7) for the keys."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import enum
import struct
from collections.abc import Iterator
from ctypes import byref
from typing import Any, TypeVar, Union, overload

from . import _structs as s
from ._connection import Connection
from .errors import Code, InvalidParameterError, NoSectionsError, NotExistError, error

Value = Union[int, float, str, bytes]
DefaultT = TypeVar("DefaultT")


class CmapMap(enum.IntEnum):
    """The map of a connection."""

    DEFAULT = 0  #: the configuration and the state of the node
    STATS = 1  #: statistics, computed when they are read


class ValueType(enum.IntEnum):
    """Types of values."""

    INT8 = 1
    UINT8 = 2
    INT16 = 3
    UINT16 = 4
    INT32 = 5
    UINT32 = 6
    INT64 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    STRING = 11
    BINARY = 12


class CmapEvent(enum.IntFlag):
    """Kinds of changes of a key."""

    DELETE = 1
    MODIFY = 2
    ADD = 4


_PREFIX = 8
_ALL = CmapEvent.DELETE | CmapEvent.MODIFY | CmapEvent.ADD
_FORMATS = {
    ValueType.INT8: "=b",
    ValueType.UINT8: "=B",
    ValueType.INT16: "=h",
    ValueType.UINT16: "=H",
    ValueType.INT32: "=i",
    ValueType.UINT32: "=I",
    ValueType.INT64: "=q",
    ValueType.UINT64: "=Q",
    ValueType.FLOAT: "=f",
    ValueType.DOUBLE: "=d",
}
_INTEGERS = frozenset(ValueType(number) for number in range(ValueType.INT8, ValueType.UINT64 + 1))


@dataclasses.dataclass(frozen=True)
class CmapChange:
    """A change of a tracked key.

    :ivar tracker: the result of :meth:`Cmap.track`
    :ivar new: ``None`` if the key was deleted
    :ivar old: ``None`` if it was added, and for counters of the daemon itself
    """

    tracker: Tracker
    event: CmapEvent
    key: str
    new: Value | None
    old: Value | None


class Tracker:
    """A tracker of changes. It ends with :meth:`close`, as a context manager, or with its connection."""

    def __init__(self, cmap: Cmap, key: str) -> None:
        self._cmap = cmap
        self.key = key
        self._handle = ctypes.c_uint64()
        self._callback = s.cmap_notify_fn_t(self._on_change)  # lives as long as the tracker

    def __repr__(self) -> str:
        return f"<Tracker {self.key!r}>"

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it. Changes that were not read yet are dropped. Further calls do nothing."""
        self._cmap._untrack(self)  # pylint: disable=protected-access

    def _on_change(
        self, _handle: int, _tracker: int, event: int, key: bytes, new: Any, old: Any, _data: int | None
    ) -> None:
        def change() -> CmapChange:
            return CmapChange(self, CmapEvent(event), s.text(key), _notified(new), _notified(old))

        self._cmap._receive(change)  # pylint: disable=protected-access


def _notified(value: Any) -> Value | None:
    return _decode(value.type, s.copied(value.data, value.len)) if value.type else None


def _decode(kind: int, data: bytes) -> Value:
    if kind == ValueType.STRING:
        return s.text(data.rstrip(b"\0"))
    if kind == ValueType.BINARY or kind not in _FORMATS:
        return data
    number: int | float = struct.unpack(_FORMATS[ValueType(kind)], data)[0]
    return number


def _encode(value: Value, kind: ValueType) -> bytes:
    if kind == ValueType.STRING and isinstance(value, str):
        return s.encoded(value)
    if kind == ValueType.BINARY and isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (int, float)) and kind in _FORMATS and (isinstance(value, int) or kind not in _INTEGERS):
        try:
            return struct.pack(_FORMATS[kind], value)
        except struct.error as exception:
            raise InvalidParameterError("cmap_set", Code.INVALID_PARAM, f"{value} as {kind.name}: {exception}") from None
    raise TypeError(f"cmap: a value of type {kind.name} cannot be {type(value).__name__}")


class Cmap(Connection[CmapChange]):
    """A connection to the map. ``cmap[key]``, ``key in cmap`` and ``del cmap[key]`` do as with a dictionary.

    Events are :class:`CmapChange`, after :meth:`track`.

    :param map: the configuration and the state, or the statistics
    """

    _service = "cmap"
    _prefix = "cmap_"

    def __init__(
        self, instance: str | None = None, timeout: float = 10.0, *, map: CmapMap = CmapMap.DEFAULT
    ) -> None:
        self._map = map
        self._trackers: dict[int, Tracker] = {}
        super().__init__(instance, timeout)

    def _initialize(self) -> int:
        code = self._library.function("cmap_initialize_map")(byref(self._handle), self._map)
        if code == Code.NOT_EXIST:  # the handle is live in this case
            self._library.function("cmap_finalize")(self._handle)
        return code

    # Values.

    def get_typed(self, key: str) -> tuple[ValueType, Value]:
        """Return the type and the value of a key.

        :raises NotExistError: there is no such key
        """
        name = s.encoded(key)
        size = ctypes.c_size_t(256)
        kind = ctypes.c_int()
        room = ctypes.create_string_buffer(size.value)
        while True:
            try:
                self._call("get", name, room, byref(size), byref(kind))
                return ValueType(kind.value), _decode(kind.value, room.raw[: size.value])
            except InvalidParameterError:
                # Either it needs more room, or it is another error.
                self._call("get", name, None, byref(size), byref(kind))
                if size.value <= len(room):
                    raise
                room = ctypes.create_string_buffer(size.value)

    @overload
    def get(self, key: str) -> Value | None: ...

    @overload
    def get(self, key: str, default: DefaultT) -> Value | DefaultT: ...

    def get(self, key: str, default: object = None) -> object:
        """Return the value of a key, or ``default`` if there is none."""
        try:
            return self.get_typed(key)[1]
        except NotExistError:
            return default

    def __getitem__(self, key: str) -> Value:
        return self.get_typed(key)[1]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def set(self, key: str, value: Value, type: ValueType | None = None) -> None:
        """Set a key, or add it. Setting the same type and value again is no change.

        :param type: without it a key keeps its type. A new key becomes STRING, BINARY or DOUBLE according to the value. An
            integer under a new key needs a type
        :raises TypeError: the value is not of the type
        :raises InvalidParameterError: the number does not fit into the type
        :raises AccessError: the key is read-only
        :raises NameTooLongError: not a name for a key
        :raises NoResourcesError: the map is full
        :raises TooBigError: the value has more than 16,384 bytes
        """
        kind = self._type_for(key, value) if type is None else type
        data = _encode(value, kind)
        self._call("set", s.encoded(key), data, len(data), kind)

    def __setitem__(self, key: str, value: Value) -> None:
        self.set(key, value)

    def _type_for(self, key: str, value: Value) -> ValueType:
        size = ctypes.c_size_t()
        kind = ctypes.c_int()
        try:
            self._call("get", s.encoded(key), None, byref(size), byref(kind))
            return ValueType(kind.value)
        except NotExistError:
            pass
        if isinstance(value, str):
            return ValueType.STRING
        if isinstance(value, float):
            return ValueType.DOUBLE
        if isinstance(value, int):
            raise TypeError(f"cmap: the new key {key!r} with an integer needs a type, such as ValueType.UINT32")
        return ValueType.BINARY

    def delete(self, key: str) -> None:
        """Delete a key.

        :raises NotExistError: there is no such key
        :raises AccessError: the key is read-only
        """
        self._call("delete", s.encoded(key))

    def __delitem__(self, key: str) -> None:
        self.delete(key)

    def increment(self, key: str) -> None:
        """Add 1 to an integer. It wraps around in its own width. :raises InvalidParameterError: not an integer"""
        self._call("inc", s.encoded(key))

    def decrement(self, key: str) -> None:
        """Subtract 1 from an integer. It wraps around in its own width. :raises InvalidParameterError: not an integer"""
        self._call("dec", s.encoded(key))

    # Iteration.

    def keys(self, prefix: str = "") -> list[str]:
        """Return the names of all keys that begin with a prefix, in ascending order."""
        return list(self._iterate(prefix))

    def items(self, prefix: str = "") -> list[tuple[str, Value]]:
        """Return keys that begin with a prefix, and their values. A key that is deleted meanwhile is left out."""
        found = []
        for key in self.keys(prefix):
            with contextlib.suppress(NotExistError):
                found.append((key, self[key]))
        return found

    def _iterate(self, prefix: str) -> Iterator[str]:
        iteration = ctypes.c_uint64()
        key = ctypes.create_string_buffer(s.CMAP_KEYNAME_MAXLEN + 1)
        with self._calls:
            self._call("iter_init", s.encoded(prefix), byref(iteration))
            try:
                with contextlib.suppress(NoSectionsError):
                    while True:
                        self._call("iter_next", iteration, key, None, None)
                        yield s.text(key.value)
            finally:
                self._library.function("cmap_iter_finalize")(self._handle, iteration)

    # Changes.

    def track(self, key: str, events: CmapEvent = _ALL, *, prefix: bool = False) -> Tracker:
        """Report changes of a key, also if it does not exist yet.

        :param prefix: report changes of all keys that begin with ``key``
        :raises NotSupportedError: a prefix of the statistics without both ADD and DELETE
        :raises NoResourcesError: too many trackers are open
        """
        tracker = Tracker(self, key)
        with self._calls:
            self._call(
                "track_add",
                s.encoded(key),
                events | (_PREFIX if prefix else 0),
                tracker._callback,  # pylint: disable=protected-access
                None,
                byref(tracker._handle),  # pylint: disable=protected-access
            )
            self._trackers[tracker._handle.value] = tracker  # pylint: disable=protected-access
        return tracker

    def _untrack(self, tracker: Tracker) -> None:
        with self._calls, self._reading:
            handle = tracker._handle  # pylint: disable=protected-access
            if self._is_closed or self._trackers.pop(handle.value, None) is not tracker:
                return
            code = self._library.function("cmap_track_delete")(self._handle, handle)
            waiting = [change for change in self._events if change.tracker is not tracker]
            self._events.clear()
            self._events.extend(waiting)
            if code != Code.OK:
                raise error("cmap_track_delete", code)
