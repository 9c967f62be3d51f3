# SPDX-License-Identifier: BSD-3-Clause
"""Layouts of the C structures and types of the C callbacks, with the names of the headers.

tests/python/layout.py compiles a C++ program that prints sizes and offsets of the headers, and compares them with these.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_ubyte,
    c_uint,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)

CPG_MAX_NAME_LENGTH = 128
CPG_MEMBERS_ROOM = 1024  # cpg_membership_get writes at most 384 of them
CMAP_KEYNAME_MAXLEN = 255
CFG_MAX_HOST_LEN = 256
CFG_MAX_LINKS = 8
SOCKADDR_IN6_SIZE = 28
VOTEQUORUM_QDEVICE_MAX_NAME_LEN = 255
VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE = 4096
COTERIE_KV_KEY_MAX = 255
COTERIE_KV_WAITING_MAX = 64


class iovec(Structure):
    _fields_ = [("iov_base", c_char_p), ("iov_len", c_size_t)]


# Closed process groups.


class cpg_address(Structure):
    _fields_ = [("nodeid", c_uint32), ("pid", c_uint32), ("reason", c_uint32)]


class cpg_name(Structure):
    _fields_ = [("length", c_uint32), ("value", c_ubyte * CPG_MAX_NAME_LENGTH)]


class cpg_iteration_description_t(Structure):
    _fields_ = [("group", cpg_name), ("nodeid", c_uint32), ("pid", c_uint32)]


class cpg_ring_id(Structure):
    _fields_ = [("nodeid", c_uint32), ("seq", c_uint64)]


cpg_deliver_fn_t = CFUNCTYPE(None, c_uint64, POINTER(cpg_name), c_uint32, c_uint32, c_void_p, c_size_t)
cpg_confchg_fn_t = CFUNCTYPE(
    None,
    c_uint64,
    POINTER(cpg_name),
    POINTER(cpg_address),
    c_size_t,
    POINTER(cpg_address),
    c_size_t,
    POINTER(cpg_address),
    c_size_t,
)
cpg_totem_confchg_fn_t = CFUNCTYPE(None, c_uint64, cpg_ring_id, c_uint32, POINTER(c_uint32))


class cpg_model_v1_data_t(Structure):
    _fields_ = [
        ("model", c_int),
        ("cpg_deliver_fn", cpg_deliver_fn_t),
        ("cpg_confchg_fn", cpg_confchg_fn_t),
        ("cpg_totem_confchg_fn", cpg_totem_confchg_fn_t),
        ("flags", c_uint),
    ]


# Quorum.


class quorum_ring_id(Structure):
    _fields_ = [("nodeid", c_uint32), ("seq", c_uint64)]


quorum_v1_quorum_notification_fn_t = CFUNCTYPE(
    None, c_uint64, c_uint32, quorum_ring_id, c_uint32, POINTER(c_uint32)
)
quorum_v1_nodelist_notification_fn_t = CFUNCTYPE(
    None,
    c_uint64,
    quorum_ring_id,
    c_uint32,
    POINTER(c_uint32),
    c_uint32,
    POINTER(c_uint32),
    c_uint32,
    POINTER(c_uint32),
)


class quorum_model_v1_data_t(Structure):
    _fields_ = [
        ("model", c_int),
        ("quorum_notify_fn", quorum_v1_quorum_notification_fn_t),
        ("nodelist_notify_fn", quorum_v1_nodelist_notification_fn_t),
    ]


# Quorum by votes.


class votequorum_info(Structure):
    _fields_ = [
        ("node_id", c_uint),
        ("node_state", c_uint),
        ("node_votes", c_uint),
        ("node_expected_votes", c_uint),
        ("highest_expected", c_uint),
        ("total_votes", c_uint),
        ("quorum", c_uint),
        ("flags", c_uint),
        ("qdevice_votes", c_uint),
        ("qdevice_name", c_char * VOTEQUORUM_QDEVICE_MAX_NAME_LEN),
    ]


class votequorum_node_t(Structure):
    _fields_ = [("nodeid", c_uint32), ("state", c_uint32)]


class votequorum_ring_id_t(Structure):
    _fields_ = [("nodeid", c_uint32), ("seq", c_uint64)]


votequorum_quorum_notification_fn_t = CFUNCTYPE(
    None, c_uint64, c_uint64, c_uint32, c_uint32, POINTER(votequorum_node_t)
)
votequorum_nodelist_notification_fn_t = CFUNCTYPE(
    None, c_uint64, c_uint64, votequorum_ring_id_t, c_uint32, POINTER(c_uint32)
)
votequorum_expectedvotes_notification_fn_t = CFUNCTYPE(None, c_uint64, c_uint64, c_uint32)
votequorum_extra_info_notification_fn_t = CFUNCTYPE(None, c_uint64, c_uint64, c_uint32, c_uint32, c_void_p)


class votequorum_callbacks_t(Structure):
    _fields_ = [
        ("votequorum_quorum_notify_fn", votequorum_quorum_notification_fn_t),
        ("votequorum_expectedvotes_notify_fn", votequorum_expectedvotes_notification_fn_t),
        ("votequorum_nodelist_notify_fn", votequorum_nodelist_notification_fn_t),
    ]


class votequorum_model_v1_data_t(Structure):
    """For the libraries that have ``votequorum_model_initialize``."""

    _fields_ = [
        ("model", c_int),
        ("quorum_notify_fn", votequorum_quorum_notification_fn_t),
        ("expectedvotes_notify_fn", votequorum_expectedvotes_notification_fn_t),
        ("nodelist_notify_fn", votequorum_nodelist_notification_fn_t),
        ("qdevice_extra_info_notify_fn", votequorum_extra_info_notification_fn_t),
    ]


# The configuration map.


class cmap_notify_value(Structure):
    _fields_ = [("type", c_int), ("len", c_size_t), ("data", c_void_p)]


cmap_notify_fn_t = CFUNCTYPE(
    None, c_uint64, c_uint64, c_int32, c_char_p, cmap_notify_value, cmap_notify_value, c_void_p
)

# Administration.

corosync_cfg_shutdown_callback_t = CFUNCTYPE(None, c_uint64, c_int)


class corosync_cfg_callbacks_t(Structure):
    _fields_ = [("corosync_cfg_shutdown_callback", corosync_cfg_shutdown_callback_t)]


class corosync_cfg_node_address_t(Structure):
    _fields_ = [("address_length", c_int), ("address", c_ubyte * SOCKADDR_IN6_SIZE)]


class corosync_knet_link_status_v1(Structure):
    _fields_ = [
        ("enabled", c_uint8),
        ("connected", c_uint8),
        ("dynconnected", c_uint8),
        ("mtu", c_uint),
        ("src_ipaddr", c_char * CFG_MAX_HOST_LEN),
        ("dst_ipaddr", c_char * CFG_MAX_HOST_LEN),
    ]


class corosync_cfg_node_status_v1(Structure):
    _fields_ = [
        ("version", c_int),
        ("nodeid", c_uint),
        ("reachable", c_uint8),
        ("remote", c_uint8),
        ("external", c_uint8),
        ("onwire_min", c_uint8),
        ("onwire_max", c_uint8),
        ("onwire_ver", c_uint8),
        ("link_status", corosync_knet_link_status_v1 * CFG_MAX_LINKS),
    ]


# The replicated table.


class coterie_kv_entry(Structure):
    _fields_ = [
        ("key", c_void_p),
        ("value", c_void_p),
        ("key_size", c_size_t),
        ("value_size", c_size_t),
        ("created", c_uint64),
        ("modified", c_uint64),
    ]


coterie_kv_notify = CFUNCTYPE(None, c_uint64, c_uint32, c_int, POINTER(coterie_kv_entry))
coterie_kv_visit = CFUNCTYPE(c_int, c_void_p, POINTER(coterie_kv_entry))


class coterie_kv_status(Structure):
    _fields_ = [
        ("revision", c_uint64),
        ("hash", c_uint64),
        ("keys", c_uint64),
        ("bytes", c_uint64),
        ("bytes_max", c_uint64),
        ("state", c_uint32),
        ("donor", c_uint32),
        ("waiting_count", c_uint32),
        ("waiting", c_uint32 * COTERIE_KV_WAITING_MAX),
    ]


def text(value: bytes) -> str:
    """Decode a name of the daemon. Bytes that are no UTF-8 survive a round trip."""
    return value.decode("utf-8", "surrogateescape")


def encoded(value: str | bytes) -> bytes:
    """Encode a name for the daemon: the opposite of :func:`text`."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def copied(address: int | None, size: int) -> bytes:
    """Copy bytes of a callback, which are valid until it returns."""
    return ctypes.string_at(address, size) if address and size else b""
