# SPDX-License-Identifier: BSD-3-Clause
"""Loading of the client libraries by soname, and the types of their functions.

A library is loaded when the first connection to its service opens, so the package works where some are not installed.
Corosync's libraries have the same sonames, functions and structures.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Mapping
from ctypes import POINTER, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

from . import _structs as s
from .errors import Code, LibraryMissingError, NotSupportedError

HANDLE = c_uint64
DISPATCH_ONE_NONBLOCKING = 4

_Types = tuple[Any, ...]
_Prototypes = Mapping[str, _Types]


class _DlInfo(ctypes.Structure):
    _fields_ = [("fname", c_char_p), ("fbase", c_void_p), ("sname", c_char_p), ("saddr", c_void_p)]


class Library:
    """One shared library. A function takes the arguments of the C function and returns its number."""

    def __init__(self, soname: str, prototypes: _Prototypes, optional: _Prototypes) -> None:
        self.soname = soname
        try:
            self._shared = ctypes.CDLL(soname)
        except OSError as exception:
            raise LibraryMissingError(soname, Code.NOT_SUPPORTED, str(exception)) from None
        self._functions: dict[str, Callable[..., int]] = {}
        for name, types in {**prototypes, **optional}.items():
            try:
                function = getattr(self._shared, name)
            except AttributeError:
                if name in optional:
                    continue
                raise LibraryMissingError(name, Code.NOT_SUPPORTED, f"{soname} does not have it") from None
            function.argtypes = types
            function.restype = c_int
            self._functions[name] = function

    def function(self, name: str) -> Callable[..., int]:
        """Return a function. :raises NotSupportedError: the library is older than the function"""
        try:
            return self._functions[name]
        except KeyError:
            raise NotSupportedError(name, Code.NOT_SUPPORTED, f"{self.soname} does not have it") from None

    def has(self, name: str) -> bool:
        """Return whether the library has an optional function."""
        return name in self._functions

    @functools.cached_property
    def path(self) -> str:
        """The file that was loaded."""
        info = _DlInfo()
        address = ctypes.cast(next(iter(self._functions.values())), c_void_p)  # type: ignore[arg-type]
        dladdr = ctypes.CDLL(None).dladdr
        dladdr.argtypes = (c_void_p, POINTER(_DlInfo))
        if not dladdr(address, ctypes.byref(info)) or not info.fname:
            return self.soname
        return s.text(bytes(info.fname))

    @functools.cached_property
    def has_instances(self) -> bool:
        """Whether the library reads ``COTERIE_INSTANCE``. Corosync's do not."""
        try:
            with open(self.path, "rb") as file:
                return b"COTERIE_INSTANCE\0" in file.read()
        except OSError:
            return True


CPG: _Prototypes = {
    "cpg_model_initialize": (POINTER(HANDLE), c_int, POINTER(s.cpg_model_v1_data_t), c_void_p),
    "cpg_finalize": (HANDLE,),
    "cpg_fd_get": (HANDLE, POINTER(c_int)),
    "cpg_max_atomic_msgsize_get": (HANDLE, POINTER(c_uint32)),
    "cpg_dispatch": (HANDLE, c_int),
    "cpg_join": (HANDLE, POINTER(s.cpg_name)),
    "cpg_leave": (HANDLE, POINTER(s.cpg_name)),
    "cpg_mcast_joined": (HANDLE, c_int, POINTER(s.iovec), c_uint),
    "cpg_membership_get": (HANDLE, POINTER(s.cpg_name), POINTER(s.cpg_address), POINTER(c_int)),
    "cpg_local_get": (HANDLE, POINTER(c_uint)),
    "cpg_iteration_initialize": (HANDLE, c_int, POINTER(s.cpg_name), POINTER(HANDLE)),
    "cpg_iteration_next": (HANDLE, POINTER(s.cpg_iteration_description_t)),
    "cpg_iteration_finalize": (HANDLE,),
}

QUORUM: _Prototypes = {
    "quorum_model_initialize": (POINTER(HANDLE), c_int, POINTER(s.quorum_model_v1_data_t), POINTER(c_uint32), c_void_p),
    "quorum_finalize": (HANDLE,),
    "quorum_fd_get": (HANDLE, POINTER(c_int)),
    "quorum_dispatch": (HANDLE, c_int),
    "quorum_getquorate": (HANDLE, POINTER(c_int)),
    "quorum_trackstart": (HANDLE, c_uint),
    "quorum_trackstop": (HANDLE,),
}

VOTEQUORUM: _Prototypes = {
    "votequorum_initialize": (POINTER(HANDLE), POINTER(s.votequorum_callbacks_t)),
    "votequorum_finalize": (HANDLE,),
    "votequorum_fd_get": (HANDLE, POINTER(c_int)),
    "votequorum_dispatch": (HANDLE, c_int),
    "votequorum_getinfo": (HANDLE, c_uint, POINTER(s.votequorum_info)),
    "votequorum_setexpected": (HANDLE, c_uint),
    "votequorum_setvotes": (HANDLE, c_uint, c_uint),
    "votequorum_trackstart": (HANDLE, c_uint64, c_uint),
    "votequorum_trackstop": (HANDLE,),
    "votequorum_qdevice_register": (HANDLE, c_char_p),
    "votequorum_qdevice_unregister": (HANDLE, c_char_p),
    "votequorum_qdevice_update": (HANDLE, c_char_p, c_char_p),
    "votequorum_qdevice_poll": (HANDLE, c_char_p, c_uint, s.votequorum_ring_id_t),
    "votequorum_qdevice_master_wins": (HANDLE, c_char_p, c_uint),
}

# Since libvotequorum 8.1, which Debian 12 and 13 do not have.
VOTEQUORUM_OPTIONAL: _Prototypes = {
    "votequorum_model_initialize": (POINTER(HANDLE), POINTER(s.votequorum_model_v1_data_t)),
    "votequorum_set_qdevice_extra_info": (HANDLE, c_uint32, c_char_p),
    "votequorum_get_qdevice_extra_info": (HANDLE, c_uint32, POINTER(c_uint32), POINTER(c_char)),
}

CMAP: _Prototypes = {
    "cmap_initialize_map": (POINTER(HANDLE), c_int),
    "cmap_finalize": (HANDLE,),
    "cmap_fd_get": (HANDLE, POINTER(c_int)),
    "cmap_dispatch": (HANDLE, c_int),
    "cmap_set": (HANDLE, c_char_p, c_char_p, c_size_t, c_int),
    "cmap_get": (HANDLE, c_char_p, POINTER(c_char), POINTER(c_size_t), POINTER(c_int)),
    "cmap_delete": (HANDLE, c_char_p),
    "cmap_inc": (HANDLE, c_char_p),
    "cmap_dec": (HANDLE, c_char_p),
    "cmap_iter_init": (HANDLE, c_char_p, POINTER(HANDLE)),
    "cmap_iter_next": (HANDLE, HANDLE, POINTER(c_char), POINTER(c_size_t), POINTER(c_int)),
    "cmap_iter_finalize": (HANDLE, HANDLE),
    "cmap_track_add": (HANDLE, c_char_p, c_int32, s.cmap_notify_fn_t, c_void_p, POINTER(HANDLE)),
    "cmap_track_delete": (HANDLE, HANDLE),
}

CFG: _Prototypes = {
    "corosync_cfg_initialize": (POINTER(HANDLE), POINTER(s.corosync_cfg_callbacks_t)),
    "corosync_cfg_finalize": (HANDLE,),
    "corosync_cfg_fd_get": (HANDLE, POINTER(c_int32)),
    "corosync_cfg_dispatch": (HANDLE, c_int),
    "corosync_cfg_ring_status_get": (
        HANDLE,
        POINTER(POINTER(c_void_p)),
        POINTER(POINTER(c_void_p)),
        POINTER(c_uint),
    ),
    "corosync_cfg_node_status_get": (HANDLE, c_uint, c_int, POINTER(s.corosync_cfg_node_status_v1)),
    "corosync_cfg_kill_node": (HANDLE, c_uint, c_char_p),
    "corosync_cfg_trackstart": (HANDLE, c_uint8),
    "corosync_cfg_trackstop": (HANDLE,),
    "corosync_cfg_try_shutdown": (HANDLE, c_int),
    "corosync_cfg_replyto_shutdown": (HANDLE, c_int),
    "corosync_cfg_get_node_addrs": (
        HANDLE,
        c_uint,
        c_size_t,
        POINTER(c_int),
        POINTER(s.corosync_cfg_node_address_t),
    ),
    "corosync_cfg_local_get": (HANDLE, POINTER(c_uint)),
    "corosync_cfg_reload_config": (HANDLE,),
    "corosync_cfg_reopen_log_files": (HANDLE,),
}

KV: _Prototypes = {
    "coterie_kv_initialize": (POINTER(HANDLE), s.coterie_kv_notify, c_void_p),
    "coterie_kv_finalize": (HANDLE,),
    "coterie_kv_fd_get": (HANDLE, POINTER(c_int)),
    "coterie_kv_dispatch": (HANDLE, c_int),
    "coterie_kv_put": (HANDLE, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(c_uint64)),
    "coterie_kv_put_if": (HANDLE, c_char_p, c_size_t, c_char_p, c_size_t, c_uint64, POINTER(c_uint64)),
    "coterie_kv_delete": (HANDLE, c_char_p, c_size_t, POINTER(c_uint64)),
    "coterie_kv_delete_if": (HANDLE, c_char_p, c_size_t, c_uint64, POINTER(c_uint64)),
    "coterie_kv_get": (HANDLE, c_uint32, c_char_p, c_size_t, POINTER(c_char), c_size_t, POINTER(s.coterie_kv_entry)),
    "coterie_kv_list": (HANDLE, c_uint32, c_char_p, c_size_t, s.coterie_kv_visit, c_void_p, POINTER(c_uint64)),
    "coterie_kv_watch": (HANDLE, c_char_p, c_size_t, POINTER(c_uint32), POINTER(c_uint64)),
    "coterie_kv_unwatch": (HANDLE, c_uint32),
    "coterie_kv_status_get": (HANDLE, POINTER(s.coterie_kv_status)),
    "coterie_kv_recover": (HANDLE,),
}

#: Sonames, with the functions that every version has, and those of newer versions.
LIBRARIES: Mapping[str, tuple[str, _Prototypes, _Prototypes]] = {
    "cpg": ("libcpg.so.4", CPG, {}),
    "quorum": ("libquorum.so.5", QUORUM, {}),
    "votequorum": ("libvotequorum.so.8", VOTEQUORUM, VOTEQUORUM_OPTIONAL),
    "cmap": ("libcmap.so.4", CMAP, {}),
    "cfg": ("libcfg.so.7", CFG, {}),
    "kv": ("libcoterie-kv.so.0", KV, {}),
}


@functools.lru_cache(maxsize=None)
def library(name: str) -> Library:
    """Load a library, once. :raises LibraryMissingError: it is not installed"""
    return Library(*LIBRARIES[name])


@functools.lru_cache(maxsize=None)
def _libc_free() -> Callable[[Any], None]:
    free = ctypes.CDLL(None).free
    free.argtypes = (c_void_p,)
    free.restype = None
    return free


def free(address: int | None) -> None:
    """Free memory that a library has allocated for its caller."""
    _libc_free()(address)
