# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a cluster with the quorum provider corosync_votequorum. See votequorum_overview(3) and votequorum(5)."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
from ctypes import byref
from typing import Any, Union

from . import _structs as s
from ._connection import Connection
from .errors import Code, TooBigError
from .types import RingId, Track

_MODEL_V1 = 1


class VoteFlag(enum.IntFlag):
    """Flags of :class:`VoteInfo`. The first ones are about the local daemon, those of a device about the node."""

    TWONODE = 1
    QUORATE = 2
    WAIT_FOR_ALL = 4
    LAST_MAN_STANDING = 8
    AUTO_TIE_BREAKER = 16
    ALLOW_DOWNSCALE = 32
    QDEVICE_REGISTERED = 64
    QDEVICE_ALIVE = 128
    QDEVICE_CAST_VOTE = 256
    QDEVICE_MASTER_WINS = 512
    QDEVICE_HAS_EXTRA_INFO = 1024


class NodeState(enum.IntEnum):
    """States of a node."""

    DEVICE = 0  #: not a node: the quorum device
    MEMBER = 1  #: in the ring
    DEAD = 2  #: was in the ring, is not now
    LEAVING = 3  #: in the ring, and about to leave


@dataclasses.dataclass(frozen=True)
class VoteInfo:
    """The known facts of a node.

    :ivar state: a :class:`NodeState` if it is known
    :ivar votes: of the node
    :ivar expected_votes: of the node
    :ivar highest_expected: of the nodes in the ring
    :ivar total_votes: of the nodes in the ring, and of the node's device if it casts its vote
    :ivar quorum: votes that are needed
    :ivar qdevice_name: "" for none
    """

    nodeid: int
    state: int
    votes: int
    expected_votes: int
    highest_expected: int
    total_votes: int
    quorum: int
    flags: VoteFlag
    qdevice_votes: int
    qdevice_name: str


@dataclasses.dataclass(frozen=True)
class VoteChange:
    """The verdict at the end of each change of the ring, and when it changes in between.

    :ivar nodes: states by node id, of all nodes seen since the daemon started; node id 0 is the device of this node
    """

    quorate: bool
    nodes: dict[int, int]


@dataclasses.dataclass(frozen=True)
class VoteNodeList:
    """A new ring. While a quorum device is alive the verdict waits for its poll with this ring's id.

    :ivar members: node ids
    """

    ring_id: RingId
    members: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ExpectedVotes:
    """The expected votes were set, or have grown since more votes were found."""

    expected_votes: int


@dataclasses.dataclass(frozen=True)
class ExtraInfo:
    """The quorum device of a node has set its extra information. Only with libvotequorum 8.1 or newer.

    :ivar data: empty: the device has none any more
    """

    nodeid: int
    data: bytes


Event = Union[VoteChange, VoteNodeList, ExpectedVotes, ExtraInfo]


def _state(number: int) -> int:
    return NodeState(number) if number in NodeState._value2member_map_ else number


class Votequorum(Connection[Event]):
    """A connection to the service.

    Events are :class:`VoteChange`, :class:`VoteNodeList`, :class:`ExpectedVotes` and :class:`ExtraInfo`, after
    :meth:`track`. Calls of a quorum device concern the device of this node. Its registration belongs to the node, and
    outlives the connection.
    """

    _service = "votequorum"
    _prefix = "votequorum_"

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        self._on_verdict_c = s.votequorum_quorum_notification_fn_t(self._on_verdict)
        self._on_expected_c = s.votequorum_expectedvotes_notification_fn_t(self._on_expected)
        self._on_nodes_c = s.votequorum_nodelist_notification_fn_t(self._on_nodes)
        self._on_extra_c = s.votequorum_extra_info_notification_fn_t(self._on_extra)
        super().__init__(instance, timeout)

    def _initialize(self) -> int:
        common = (self._on_verdict_c, self._on_expected_c, self._on_nodes_c)
        if self._library.has("votequorum_model_initialize"):
            model = s.votequorum_model_v1_data_t(_MODEL_V1, *common, self._on_extra_c)
            return self._library.function("votequorum_model_initialize")(byref(self._handle), byref(model))
        return self._library.function("votequorum_initialize")(
            byref(self._handle), byref(s.votequorum_callbacks_t(*common))
        )

    def _on_verdict(self, _handle: int, _context: int, quorate: int, count: int, nodes: Any) -> None:
        self._receive(
            lambda: VoteChange(bool(quorate), {nodes[i].nodeid: _state(nodes[i].state) for i in range(count)})
        )

    def _on_nodes(self, _handle: int, _context: int, ring: Any, count: int, nodes: Any) -> None:
        self._receive(lambda: VoteNodeList(RingId(ring.nodeid, ring.seq), tuple(nodes[:count])))

    def _on_expected(self, _handle: int, _context: int, votes: int) -> None:
        self._receive(lambda: ExpectedVotes(votes))

    def _on_extra(self, _handle: int, _context: int, nodeid: int, size: int, data: int | None) -> None:
        self._receive(lambda: ExtraInfo(nodeid, s.copied(data, size)))

    def info(self, nodeid: int = 0) -> VoteInfo:
        """Return the known facts of a node.

        :param nodeid: 0: this node
        :raises NotExistError: the node has not been in the ring since the daemon started
        """
        info = s.votequorum_info()
        self._call("getinfo", nodeid, byref(info))
        return VoteInfo(
            nodeid=info.node_id,
            state=_state(info.node_state),
            votes=info.node_votes,
            expected_votes=info.node_expected_votes,
            highest_expected=info.highest_expected,
            total_votes=info.total_votes,
            quorum=info.quorum,
            flags=VoteFlag(info.flags),
            qdevice_votes=info.qdevice_votes,
            qdevice_name=s.text(info.qdevice_name),
        )

    def set_expected(self, votes: int) -> None:
        """Set the expected votes on all nodes of the ring.

        :raises InvalidParameterError: less than the votes present, or this partition would lose quorum
        :raises NoResourcesError: the ring has no room now
        """
        self._call("setexpected", votes)

    def set_votes(self, nodeid: int, votes: int) -> None:
        """Set the votes of a node on all nodes of the ring.

        :param nodeid: 0: the device
        :raises NameNotFoundError: the node has not been in the ring since the daemon started
        :raises InvalidParameterError: this partition would lose quorum
        :raises NoResourcesError: the ring has no room now
        """
        self._call("setvotes", nodeid, votes)

    def track(self, flags: Track = Track.CHANGES) -> None:
        """Begin to report events.

        :raises ExistsError: the connection tracks changes already
        """
        self._call("trackstart", 0, flags)

    def untrack(self) -> None:
        """End that. Events that wait already are still reported.

        :raises NotExistError: there was no tracking
        """
        self._call("trackstop")

    def register_device(self, name: str) -> None:
        """Register a quorum device on this node. It counts from its first poll on.

        :param name: 1 to 254 bytes
        :raises InvalidParameterError: the name's length
        :raises AccessError: the configuration forbids a device
        :raises ExistsError: a device of another name is registered on this node or elsewhere in the ring
        """
        self._call("qdevice_register", s.encoded(name))

    def unregister_device(self, name: str) -> None:
        """Remove the device of this node, with its votes.

        :raises NotExistError: none is registered on this node
        :raises InvalidParameterError: it has another name
        """
        self._call("qdevice_unregister", s.encoded(name))

    def rename_device(self, old: str, new: str) -> None:
        """Rename the device of this node. Errors are those of :meth:`unregister_device`."""
        self._call("qdevice_update", s.encoded(old), s.encoded(new))

    def poll_device(self, name: str, cast_vote: bool, ring_id: RingId) -> None:
        """Report that the device is alive, and how it votes.

        Repeat this within ``quorum.device.timeout``, and at once for each :class:`VoteNodeList`.

        :param cast_vote: vote for this node's partition
        :param ring_id: that of the last :class:`VoteNodeList`
        :raises MessageError: the ring has changed since
        """
        self._call("qdevice_poll", s.encoded(name), cast_vote, s.votequorum_ring_id_t(ring_id.nodeid, ring_id.seq))

    def set_device_master_wins(self, name: str, allow: bool) -> None:
        """Set whether the vote of this device is enough for the quorum of a partition."""
        self._call("qdevice_master_wins", s.encoded(name), allow)

    def set_device_extra_info(self, data: bytes) -> None:
        """Set information about the device of this node that programs on all nodes can read.

        :param data: at most 4,096 bytes; empty: none any more
        :raises NotSupportedError: the library is older than 8.1
        :raises NotExistError: no device is registered on this node
        """
        if len(data) > s.VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE:
            raise TooBigError("votequorum_set_qdevice_extra_info", Code.TOO_BIG)
        self._call("set_qdevice_extra_info", len(data), data)

    def device_extra_info(self, nodeid: int) -> bytes:
        """Return the extra information of a node's device; empty: none.

        :raises NotSupportedError: the library is older than 8.1
        :raises NotExistError: the node has not been in the ring since the daemon started
        """
        room = ctypes.create_string_buffer(s.VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE)
        size = ctypes.c_uint32()
        self._call("get_qdevice_extra_info", nodeid, byref(size), room)
        return room.raw[: size.value]
