# SPDX-License-Identifier: BSD-3-Clause
"""Tests of the service kv against the daemon of this host, which is ours."""

from __future__ import annotations

import unittest

import coterie
from coterie import aio

QUIET_S = 0.3
PATIENCE_S = 10


class Kv(unittest.TestCase):
    def setUp(self) -> None:
        self.kv = coterie.Kv()
        self.addCleanup(self.kv.close)
        for entry in self.kv.list(b"python/", keys_only=True).entries:
            self.kv.delete(entry.key)

    def test_values_are_written_and_read(self) -> None:
        for value in (b"", b"a\0b", b"x" * 5000, b"y" * 1_000_000):
            revision = self.kv.put(b"python/\0key", value)
            for linearizable in (True, False):
                entry = self.kv.get(b"python/\0key", linearizable=linearizable)
                assert entry is not None
                self.assertEqual((entry.key, entry.value, entry.modified), (b"python/\0key", value, revision))
        self.assertIsNone(self.kv.get(b"python/none"))

    def test_conditions(self) -> None:
        first = self.kv.put_if(b"python/a", b"1", 0)
        with self.assertRaises(coterie.ExistsError):
            self.kv.put_if(b"python/a", b"2", 0)
        with self.assertRaises(coterie.FailedOperationError):
            self.kv.put_if(b"python/a", b"2", first + 1000)
        second = self.kv.put_if(b"python/a", b"2", first)
        with self.assertRaises(coterie.FailedOperationError):
            self.kv.delete_if(b"python/a", first)
        self.kv.delete_if(b"python/a", second)
        with self.assertRaises(coterie.NotExistError):
            self.kv.delete(b"python/a")

    def test_lists(self) -> None:
        for number in range(30):
            self.kv.put(b"python/%02d" % number, b"v%d" % number)
        listed = self.kv.list(b"python/")
        self.assertEqual(
            [(entry.key, entry.value) for entry in listed.entries],
            [(b"python/%02d" % number, b"v%d" % number) for number in range(30)],
        )
        self.assertGreaterEqual(listed.revision, listed.entries[-1].modified)
        self.assertIsNone(self.kv.list(b"python/", keys_only=True).entries[0].value)

    def test_watches(self) -> None:
        watch, after = self.kv.watch(b"python/")
        first = self.kv.put(b"python/a", b"1")
        second = self.kv.delete(b"python/a")
        self.kv.put(b"pythoness", b"unseen")
        self.assertEqual(
            list(self.kv.events(QUIET_S)),
            [
                coterie.KvEvent(watch, coterie.KvChange.PUT, b"python/a", b"1", first),
                coterie.KvEvent(watch, coterie.KvChange.DELETED, b"python/a", None, second),
            ],
        )
        self.assertLess(after, first)
        self.kv.unwatch(watch)
        with self.assertRaises(coterie.NotExistError):
            self.kv.unwatch(watch)

    def test_limits(self) -> None:
        for call in (
            lambda: self.kv.put(b"k" * 256, b""),
            lambda: self.kv.get(b"k" * 256),
            lambda: self.kv.put(b"python/big", b"x" * 1_044_481),
        ):
            with self.assertRaises(coterie.TooBigError):
                call()
        with self.assertRaises(coterie.InvalidParameterError):
            self.kv.put(b"", b"")

    def test_status(self) -> None:
        before = self.kv.status()
        self.kv.put(b"python/a", b"12345")
        after = self.kv.status()
        self.assertEqual(after.state, coterie.KvState.READY)
        self.assertEqual((after.keys, after.revision), (before.keys + 1, before.revision + 1))
        self.assertEqual(after.waiting, ())
        with self.assertRaises(coterie.NotExistError):
            self.kv.recover()


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def test_a_table(self) -> None:
        async with aio.Kv() as kv:
            watch, _ = await kv.watch(b"python-aio/")
            revision = await kv.put(b"python-aio/a", b"1")
            event = await kv.wait(PATIENCE_S)
            assert event is not None
            self.assertEqual((event.watch, event.modified), (watch, revision))
            revision = await kv.put_if(b"python-aio/a", b"2", revision)
            entry = await kv.get(b"python-aio/a")
            assert entry is not None
            self.assertEqual(entry.value, b"2")
            self.assertEqual(len((await kv.list(b"python-aio/")).entries), 1)
            await kv.delete_if(b"python-aio/a", revision)
            await kv.unwatch(watch)
            self.assertEqual((await kv.status()).state, coterie.KvState.READY)
