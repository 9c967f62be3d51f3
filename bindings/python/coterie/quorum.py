# SPDX-License-Identifier: BSD-3-Clause
"""Quorum: whether this part of the cluster may act. See quorum_overview(3)."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
from ctypes import byref
from typing import Any, Union

from . import _structs as s
from ._connection import Connection
from .types import RingId, Track

_MODEL_V1 = 1


class QuorumType(enum.IntEnum):
    """The origin of the verdict."""

    FREE = 0  #: there is no quorum provider, so each partition may act
    SET = 1  #: a quorum provider decides


@dataclasses.dataclass(frozen=True)
class QuorumChange:
    """The verdict on a ring.

    :ivar members: node ids of the ring
    """

    quorate: bool
    ring_id: RingId
    members: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class NodeListChange:
    """A new ring, before the verdict on it.

    :ivar members: node ids of the ring
    :ivar joined: new members, and members that were away meanwhile
    :ivar left: former members, and members that were away meanwhile
    """

    ring_id: RingId
    members: tuple[int, ...]
    joined: tuple[int, ...]
    left: tuple[int, ...]


Event = Union[QuorumChange, NodeListChange]


def _ring(ring: Any) -> RingId:
    return RingId(ring.nodeid, ring.seq)


class Quorum(Connection[Event]):
    """A connection to the service. Events are :class:`QuorumChange` and :class:`NodeListChange`, after :meth:`track`.

    :ivar type: the :class:`QuorumType` of the daemon
    """

    _service = "quorum"
    _prefix = "quorum_"

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        self._callbacks = s.quorum_model_v1_data_t(
            model=_MODEL_V1,
            quorum_notify_fn=s.quorum_v1_quorum_notification_fn_t(self._on_verdict),
            nodelist_notify_fn=s.quorum_v1_nodelist_notification_fn_t(self._on_nodes),
        )
        self._type = ctypes.c_uint32()
        super().__init__(instance, timeout)
        self.type = QuorumType(self._type.value)

    def _initialize(self) -> int:
        return self._library.function("quorum_model_initialize")(
            byref(self._handle), _MODEL_V1, byref(self._callbacks), byref(self._type), None
        )

    def _on_verdict(self, _handle: int, quorate: int, ring: Any, count: int, members: Any) -> None:
        self._receive(lambda: QuorumChange(bool(quorate), _ring(ring), tuple(members[:count])))

    def _on_nodes(
        self, _handle: int, ring: Any, count: int, members: Any, joined_count: int, joined: Any, left_count: int, left: Any
    ) -> None:
        self._receive(
            lambda: NodeListChange(
                _ring(ring), tuple(members[:count]), tuple(joined[:joined_count]), tuple(left[:left_count])
            )
        )

    def is_quorate(self) -> bool:
        """Return whether this part of the cluster may act. Always true with :attr:`QuorumType.FREE`."""
        quorate = ctypes.c_int()
        self._call("getquorate", byref(quorate))
        return bool(quorate.value)

    def track(self, flags: Track = Track.CHANGES) -> None:
        """Begin to report events.

        :raises ExistsError: the connection tracks changes already
        """
        self._call("trackstart", flags)

    def untrack(self) -> None:
        """End that. Events that wait already are still reported."""
        self._call("trackstop")
