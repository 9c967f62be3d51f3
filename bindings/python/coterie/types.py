# SPDX-License-Identifier: BSD-3-Clause
"""Types that several services share."""

from __future__ import annotations

import dataclasses
import enum


@dataclasses.dataclass(frozen=True, order=True)
class RingId:
    """A configuration of the ring.

    :ivar nodeid: the node id of its representative
    :ivar seq: greater than those of all earlier rings of a node
    """

    nodeid: int
    seq: int

    def __str__(self) -> str:
        return f"{self.nodeid:x}.{self.seq:x}"


class Track(enum.IntFlag):
    """Events that ``track`` of quorum and votequorum reports."""

    CURRENT = 1  #: the present state, once
    CHANGES = 2  #: the present state, and all changes from now on
    CHANGES_ONLY = 4  #: the changes from now on
