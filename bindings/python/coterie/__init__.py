# SPDX-License-Identifier: BSD-3-Clause
"""Clients of a Coterie or Corosync cluster.

One class for each service of the daemon on this host:

- :class:`Cpg`: ordered messages to, and membership of, named groups of processes
- :class:`Quorum`, :class:`Votequorum`: whether this part of the cluster may act, and votes
- :class:`Cmap`: the configuration map
- :class:`Cfg`: administration
- :class:`Kv`: the replicated table of Coterie's service kv

:mod:`coterie.aio` has the same classes for asyncio. docs/python.md has examples.
"""

from __future__ import annotations

from . import aio
from .cfg import Cfg, LinkStatus, NodeStatus, RingStatus, ShutdownMode, ShutdownRequest
from .cmap import Cmap, CmapChange, CmapEvent, CmapMap, Tracker, ValueType
from .cpg import ConfigurationChange, Cpg, Guarantee, Member, Message, Reason, RingChange
from .errors import (
    AccessError,
    BadFlagsError,
    BadHandleError,
    BadOperationError,
    BusyError,
    Code,
    ContextNotFoundError,
    CoterieError,
    ExistsError,
    FailedOperationError,
    InitError,
    InterruptError,
    InvalidParameterError,
    LibraryError,
    LibraryMissingError,
    MessageError,
    NameNotFoundError,
    NameTooLongError,
    NoMemoryError,
    NoResourcesError,
    NoSectionsError,
    NoSpaceError,
    NotExistError,
    NotSupportedError,
    QueueFullError,
    QueueNotAvailableError,
    SecurityError,
    TimedOutError,
    TooBigError,
    TooManyGroupsError,
    TryAgainError,
    VersionMismatchError,
)
from .kv import Kv, KvChange, KvEntry, KvEvent, KvList, KvState, KvStatus
from .quorum import NodeListChange, Quorum, QuorumChange, QuorumType
from .types import RingId, Track
from .votequorum import (
    ExpectedVotes,
    ExtraInfo,
    NodeState,
    VoteChange,
    VoteFlag,
    VoteInfo,
    VoteNodeList,
    Votequorum,
)

__version__ = "0.1.0"

__all__ = [
    "AccessError",
    "aio",
    "BadFlagsError",
    "BadHandleError",
    "BadOperationError",
    "BusyError",
    "Cfg",
    "Cmap",
    "CmapChange",
    "CmapEvent",
    "CmapMap",
    "Code",
    "ConfigurationChange",
    "ContextNotFoundError",
    "CoterieError",
    "Cpg",
    "ExistsError",
    "ExpectedVotes",
    "ExtraInfo",
    "FailedOperationError",
    "Guarantee",
    "InitError",
    "InterruptError",
    "InvalidParameterError",
    "Kv",
    "KvChange",
    "KvEntry",
    "KvEvent",
    "KvList",
    "KvState",
    "KvStatus",
    "LibraryError",
    "LibraryMissingError",
    "LinkStatus",
    "Member",
    "Message",
    "MessageError",
    "NameNotFoundError",
    "NameTooLongError",
    "NodeListChange",
    "NodeState",
    "NodeStatus",
    "NoMemoryError",
    "NoResourcesError",
    "NoSectionsError",
    "NoSpaceError",
    "NotExistError",
    "NotSupportedError",
    "QueueFullError",
    "QueueNotAvailableError",
    "Quorum",
    "QuorumChange",
    "QuorumType",
    "Reason",
    "RingChange",
    "RingId",
    "RingStatus",
    "SecurityError",
    "ShutdownMode",
    "ShutdownRequest",
    "TimedOutError",
    "TooBigError",
    "TooManyGroupsError",
    "Track",
    "Tracker",
    "TryAgainError",
    "ValueType",
    "VersionMismatchError",
    "VoteChange",
    "VoteFlag",
    "VoteInfo",
    "VoteNodeList",
    "Votequorum",
]
