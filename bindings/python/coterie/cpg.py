# SPDX-License-Identifier: BSD-3-Clause
"""Closed process groups: ordered messages to, and membership of, named groups of processes. See cpg_overview(3)."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import enum
from collections.abc import Iterator
from ctypes import byref
from typing import Any, Union

from . import _structs as s
from ._connection import Connection
from .errors import Code, NameTooLongError, NoSectionsError
from .types import RingId

_MODEL_V1 = 1
_INITIAL_RING = 1


class Guarantee(enum.IntEnum):
    """When a message is delivered."""

    UNORDERED = 0  #: as AGREED
    FIFO = 1  #: as AGREED
    AGREED = 2  #: in one order, the same for all members
    SAFE = 3  #: also not before the nodes of all members have a copy


class Reason(enum.IntEnum):
    """The reason why a process is in a list of joined or left members."""

    UNDEFINED = 0  #: in lists of members
    JOIN = 1
    LEAVE = 2
    NODEDOWN = 3
    NODEUP = 4
    PROCDOWN = 5


class _Iteration(enum.IntEnum):
    NAME_ONLY = 1
    ONE_GROUP = 2
    ALL = 3


@dataclasses.dataclass(frozen=True, order=True)
class Member:
    """A process in a group. Two of them are equal if node and process are.

    :ivar reason: the reason for a change, a :class:`Reason` if it is known
    """

    nodeid: int
    pid: int
    reason: int = dataclasses.field(default=Reason.UNDEFINED, compare=False)


@dataclasses.dataclass(frozen=True)
class Message:
    """A message of the joined group."""

    group: str
    sender: Member
    payload: bytes


@dataclasses.dataclass(frozen=True)
class ConfigurationChange:
    """A change in the joined group, at one place in the order of its messages.

    :ivar members: the group after the change, by node id, then pid
    :ivar left: former members, with the reason
    :ivar joined: new members, with the reason
    """

    group: str
    members: tuple[Member, ...]
    left: tuple[Member, ...]
    joined: tuple[Member, ...]


@dataclasses.dataclass(frozen=True)
class RingChange:
    """A new configuration of the ring, after the changes of the group that it caused.

    :ivar members: node ids
    """

    ring_id: RingId
    members: tuple[int, ...]


Event = Union[Message, ConfigurationChange, RingChange]


def _name(group: str) -> s.cpg_name:
    value = s.encoded(group)
    if len(value) > s.CPG_MAX_NAME_LENGTH:
        raise NameTooLongError("cpg", Code.NAME_TOO_LONG, f"a group's name has at most {s.CPG_MAX_NAME_LENGTH} bytes")
    name = s.cpg_name(length=len(value))
    ctypes.memmove(name.value, value, len(value))
    return name


def _group(name: Any) -> str:
    length = min(name.length, s.CPG_MAX_NAME_LENGTH)
    return s.text(ctypes.string_at(ctypes.addressof(name) + s.cpg_name.value.offset, length))


def _reason(number: int) -> int:
    return Reason(number) if number in Reason._value2member_map_ else number


def _members(array: Any, count: int) -> tuple[Member, ...]:
    return tuple(Member(array[i].nodeid, array[i].pid, _reason(array[i].reason)) for i in range(count))


class Cpg(Connection[Event]):
    """A connection to the service. It can be in one group at a time.

    Events are :class:`Message`, :class:`ConfigurationChange` and, with ``ring_changes``, :class:`RingChange`.

    :param ring_changes: report changes of the ring, and the present ring right after the join
    """

    _service = "cpg"
    _prefix = "cpg_"

    def __init__(self, instance: str | None = None, timeout: float = 10.0, *, ring_changes: bool = False) -> None:
        self._callbacks = s.cpg_model_v1_data_t(
            model=_MODEL_V1,
            cpg_deliver_fn=s.cpg_deliver_fn_t(self._on_message),
            cpg_confchg_fn=s.cpg_confchg_fn_t(self._on_change),
            flags=_INITIAL_RING if ring_changes else 0,
        )
        if ring_changes:
            self._callbacks.cpg_totem_confchg_fn = s.cpg_totem_confchg_fn_t(self._on_ring)
        super().__init__(instance, timeout)

    def _initialize(self) -> int:
        return self._library.function("cpg_model_initialize")(
            byref(self._handle), _MODEL_V1, byref(self._callbacks), None
        )

    def _on_message(self, _handle: int, name: Any, nodeid: int, pid: int, data: int | None, size: int) -> None:
        self._receive(lambda: Message(_group(name[0]), Member(nodeid, pid), s.copied(data, size)))

    def _on_change(
        self,
        _handle: int,
        name: Any,
        members: Any,
        member_count: int,
        left: Any,
        left_count: int,
        joined: Any,
        joined_count: int,
    ) -> None:
        self._receive(
            lambda: ConfigurationChange(
                _group(name[0]),
                _members(members, member_count),
                _members(left, left_count),
                _members(joined, joined_count),
            )
        )

    def _on_ring(self, _handle: int, ring: Any, count: int, members: Any) -> None:
        self._receive(lambda: RingChange(RingId(ring.nodeid, ring.seq), tuple(members[:count])))

    def join(self, group: str) -> None:
        """Join a group. The first event is the :class:`ConfigurationChange` of this process.

        :param group: at most 128 bytes in UTF-8
        :raises NameTooLongError: the name is longer
        :raises ExistsError: the connection is in a group, or another one of this process is in this group
        :raises BusyError: an earlier leave is not complete
        """
        self._call("join", byref(_name(group)))

    def leave(self, group: str) -> None:
        """Leave the group. The last event of the group is the change of this process.

        :raises NotExistError: the connection is in no group
        :raises BusyError: an earlier join is not complete
        """
        self._call("leave", byref(_name(group)))

    def send(self, payload: bytes | bytearray | memoryview, guarantee: Guarantee = Guarantee.AGREED) -> None:
        """Send a message to the joined group, the sender included.

        Up to :meth:`max_atomic_size` it is queued without waiting for the daemon. A longer message is sent in parts, and
        the call waits until the daemon has accepted all of them.

        :raises TryAgainError: the daemon had no room before the timeout
        :raises InterruptError: a long message only: the group changed meanwhile, and no member gets the message
        :raises NotExistError: a long message only: the connection is in no group
        """
        data = bytes(payload)
        self._call("mcast_joined", guarantee, byref(s.iovec(data, len(data))), 1)

    def max_atomic_size(self) -> int:
        """Return the size of the longest message that is sent in one piece, in bytes. Local."""
        size = ctypes.c_uint32()
        self._call("max_atomic_msgsize_get", byref(size))
        return size.value

    def local_nodeid(self) -> int:
        """Return the id of this node."""
        nodeid = ctypes.c_uint()
        self._call("local_get", byref(nodeid))
        return nodeid.value

    def members(self, group: str) -> tuple[Member, ...]:
        """Return the present members of any group, at most 384."""
        room = (s.cpg_address * s.CPG_MEMBERS_ROOM)()
        count = ctypes.c_int(s.CPG_MEMBERS_ROOM)
        self._call("membership_get", byref(_name(group)), room, byref(count))
        return _members(room, max(0, min(count.value, s.CPG_MEMBERS_ROOM)))

    def groups(self) -> tuple[str, ...]:
        """Return the names of all groups of the cluster."""
        return tuple(group for group, _ in self._iterate(_Iteration.NAME_ONLY))

    def all_members(self) -> tuple[tuple[str, Member], ...]:
        """Return the members of all groups, as pairs of group and member."""
        return tuple(self._iterate(_Iteration.ALL))

    def _iterate(self, kind: _Iteration) -> Iterator[tuple[str, Member]]:
        iteration = ctypes.c_uint64()
        with self._calls:
            self._call("iteration_initialize", kind, None, byref(iteration))
            following = self._library.function("cpg_iteration_next")
            entry = s.cpg_iteration_description_t()
            try:
                with contextlib.suppress(NoSectionsError):
                    while True:
                        self._retry("cpg_iteration_next", lambda: following(iteration, byref(entry)))
                        yield _group(entry.group), Member(entry.nodeid, entry.pid)
            finally:
                self._library.function("cpg_iteration_finalize")(iteration)
