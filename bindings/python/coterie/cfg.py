# SPDX-License-Identifier: BSD-3-Clause
"""Administration of the daemon and its cluster. See cfg_overview(3)."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import ipaddress
from ctypes import POINTER, byref, c_void_p
from typing import Any, Union

from . import _native
from . import _structs as s
from ._connection import Connection

_NODE_STATUS_V1 = 1
_ADDRESS_FAMILY_INET = 2
_SIN_ADDRESS = slice(4, 8)
_SIN6_ADDRESS = slice(8, 24)

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class ShutdownMode(enum.IntEnum):
    """The weight of other programs in a shutdown."""

    REQUEST = 0  #: all that track shutdowns must agree
    REGARDLESS = 1  #: they receive the event, but do not decide
    IMMEDIATE = 2  #: they do not receive it


@dataclasses.dataclass(frozen=True)
class ShutdownRequest:
    """A program wants to stop this node's daemon. Answer with :meth:`Cfg.reply_to_shutdown` on the same connection."""

    mode: ShutdownMode


@dataclasses.dataclass(frozen=True)
class LinkStatus:
    """A link to a node.

    :ivar number: of the link
    :ivar connected: the node answers on it
    :ivar dynamic: it may change its address
    :ivar mtu: bytes of a frame
    """

    number: int
    enabled: bool
    connected: bool
    dynamic: bool
    mtu: int
    source: str
    destination: str


@dataclasses.dataclass(frozen=True)
class NodeStatus:
    """A node as the transport sees it.

    :ivar onwire: lowest, highest and used version of the transport's wire protocol; 0 is not known
    :ivar links: those that are enabled
    """

    nodeid: int
    reachable: bool
    remote: bool
    external: bool
    onwire: tuple[int, int, int]
    links: tuple[LinkStatus, ...]


@dataclasses.dataclass(frozen=True)
class RingStatus:
    """A link of this node.

    :ivar interface: "LINK ADDRESS"
    :ivar status: text of the transport
    """

    interface: str
    status: str


def _take_strings(array: Any, count: int) -> list[str]:
    """Copy an array of allocated strings, and free it."""
    taken = []
    for i in range(count):
        taken.append(s.text(ctypes.string_at(array[i])) if array[i] else "")
        _native.free(array[i])
    _native.free(ctypes.cast(array, c_void_p).value)
    return taken


def _address(raw: Any) -> Address | None:
    data = bytes(raw.address)
    family = int.from_bytes(data[:2], "little" if _IS_LITTLE else "big")
    if raw.address_length <= 0:
        return None
    if family == _ADDRESS_FAMILY_INET:
        return ipaddress.IPv4Address(data[_SIN_ADDRESS])
    return ipaddress.IPv6Address(data[_SIN6_ADDRESS])


_IS_LITTLE = ctypes.c_uint16.from_buffer_copy(b"\1\0").value == 1


class Cfg(Connection[ShutdownRequest]):
    """A connection to the service. Events are :class:`ShutdownRequest`, after :meth:`track`.

    A request of a connection waits for the one before. A program that asks for a shutdown and answers such requests uses
    two connections.
    """

    _service = "cfg"
    _prefix = "corosync_cfg_"

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        self._callbacks = s.corosync_cfg_callbacks_t(s.corosync_cfg_shutdown_callback_t(self._on_shutdown))
        super().__init__(instance, timeout)

    def _initialize(self) -> int:
        return self._library.function("corosync_cfg_initialize")(byref(self._handle), byref(self._callbacks))

    def _on_shutdown(self, _handle: int, mode: int) -> None:
        self._receive(lambda: ShutdownRequest(ShutdownMode(mode)))

    def local_nodeid(self) -> int:
        """Return the id of this node."""
        nodeid = ctypes.c_uint()
        self._call("local_get", byref(nodeid))
        return nodeid.value

    def ring_status(self) -> tuple[RingStatus, ...]:
        """Return the links of this node."""
        interfaces = POINTER(c_void_p)()
        status = POINTER(c_void_p)()
        count = ctypes.c_uint()
        self._call("ring_status_get", byref(interfaces), byref(status), byref(count))
        names = _take_strings(interfaces, count.value)
        return tuple(RingStatus(*pair) for pair in zip(names, _take_strings(status, count.value)))

    def node_status(self, nodeid: int) -> NodeStatus:
        """Return the status of a node, this one included.

        :raises FailedOperationError: the transport does not know the node
        :raises NotSupportedError: the transport has no status of nodes
        """
        raw = s.corosync_cfg_node_status_v1()
        self._call("node_status_get", nodeid, _NODE_STATUS_V1, byref(raw))
        links = tuple(
            LinkStatus(
                number,
                bool(link.enabled),
                bool(link.connected),
                bool(link.dynconnected),
                link.mtu,
                s.text(link.src_ipaddr),
                s.text(link.dst_ipaddr),
            )
            for number, link in enumerate(raw.link_status)
            if link.enabled
        )
        onwire = (raw.onwire_min, raw.onwire_max, raw.onwire_ver)
        return NodeStatus(raw.nodeid, bool(raw.reachable), bool(raw.remote), bool(raw.external), onwire, links)

    def node_addresses(self, nodeid: int = 0) -> tuple[Address, ...]:
        """Return the addresses of a node, in the order of its links.

        :param nodeid: 0: this node
        :raises NotExistError: no such node
        """
        room = (s.corosync_cfg_node_address_t * s.CFG_MAX_LINKS)()
        count = ctypes.c_int()
        self._call("get_node_addrs", nodeid, s.CFG_MAX_LINKS, byref(count), room)
        found = (_address(room[i]) for i in range(min(count.value, s.CFG_MAX_LINKS)))
        return tuple(address for address in found if address is not None)

    def kill_node(self, nodeid: int, reason: str) -> None:
        """End the daemon of a member at once, without a leave. Returns when the request is under way.

        :param reason: for the log of that node, at most 255 bytes
        :raises NotExistError: no member has this id
        :raises NameTooLongError: the reason is too long
        """
        self._call("kill_node", nodeid, s.encoded(reason))

    def track(self) -> None:
        """Report shutdowns from now on, also one that is being decided."""
        self._call("trackstart", 0)

    def untrack(self) -> None:
        """End that. A shutdown that is being decided does not wait for this connection."""
        self._call("trackstop")

    def try_shutdown(self, mode: ShutdownMode = ShutdownMode.REQUEST) -> None:
        """Stop this node's daemon. Waits for the answers of other programs, at most ``cfg.shutdown_timeout``.

        :raises BusyError: a program objects, or has not answered
        :raises ExistsError: another shutdown is being decided
        """
        self._call("try_shutdown", mode)

    def reply_to_shutdown(self, agree: bool) -> None:
        """Answer a :class:`ShutdownRequest`."""
        self._call("replyto_shutdown", agree)

    def reload_config(self) -> None:
        """Make all nodes read their own configuration files again. Waits until this node has finished.

        :raises InvalidParameterError: the file is refused, and nothing has changed
        """
        self._call("reload_config")

    def reopen_log_files(self) -> None:
        """Make this node's daemon open its log files again, after they were rotated."""
        self._call("reopen_log_files")
