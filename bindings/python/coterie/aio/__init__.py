# SPDX-License-Identifier: BSD-3-Clause
"""Connections for asyncio: the classes of :mod:`coterie` with coroutines, and events by ``async for``."""

from __future__ import annotations

from ._groups import Cpg, Quorum, Votequorum
from ._maps import Cfg, Cmap, Kv

__all__ = ["Cfg", "Cmap", "Cpg", "Kv", "Quorum", "Votequorum"]
