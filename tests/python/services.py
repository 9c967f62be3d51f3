# SPDX-License-Identifier: BSD-3-Clause
"""Tests of every service against the daemon of this host: PYTHON_DAEMON is coterie or corosync, which may be of a ring
with more nodes. PYTHON_LIBRARIES is coterie or corosync: the libraries that are loaded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import unittest

import coterie
from coterie import aio

IS_OURS = os.environ.get("PYTHON_DAEMON", "coterie") == "coterie"
HAS_OUR_LIBRARIES = os.environ.get("PYTHON_LIBRARIES", "coterie") == "coterie"
QUIET_S = 0.3
PATIENCE_S = 10


def me(cpg: coterie.Cpg) -> coterie.Member:
    return coterie.Member(cpg.local_nodeid(), os.getpid())


class Cpg(unittest.TestCase):
    def setUp(self) -> None:
        self.cpg = coterie.Cpg()
        self.addCleanup(self.cpg.close)
        self.group = "python." + self.id()[-60:]

    def join(self) -> coterie.ConfigurationChange:
        self.cpg.join(self.group)
        change = self.cpg.wait(PATIENCE_S)
        assert isinstance(change, coterie.ConfigurationChange)
        return change

    def test_the_libraries_are_those_that_were_asked_for(self) -> None:
        self.assertEqual(self.cpg._library.has_instances, HAS_OUR_LIBRARIES, self.cpg._library.path)

    def test_the_first_event_is_the_own_join(self) -> None:
        change = self.join()
        self.assertEqual(change.group, self.group)
        self.assertIn(me(self.cpg), change.members)
        self.assertEqual(change.joined, (me(self.cpg),))
        self.assertEqual(change.joined[0].reason, coterie.Reason.JOIN)
        self.assertEqual(change.left, ())

    def test_messages_of_all_sizes_arrive_in_order(self) -> None:
        self.join()
        sizes = [0, 1, 1000, 70_000, self.cpg.max_atomic_size(), self.cpg.max_atomic_size() + 1, 2_500_000, 5]
        sent = [bytes([number]) * size for number, size in enumerate(sizes)]
        received = []
        for payload in sent:
            self.cpg.send(payload)
            message = self.cpg.wait(PATIENCE_S)
            assert isinstance(message, coterie.Message)
            self.assertEqual(message.sender, me(self.cpg))
            received.append(message.payload)
        self.assertEqual(received, sent)

    def test_any_buffer_and_guarantee_is_sent(self) -> None:
        self.join()
        for payload in (b"bytes\0here", bytearray(b"array"), memoryview(b"-view-")[1:5]):
            for guarantee in coterie.Guarantee:
                self.cpg.send(payload, guarantee)
                message = self.cpg.wait(PATIENCE_S)
                assert isinstance(message, coterie.Message)
                self.assertEqual(message.payload, bytes(payload))

    def test_a_second_connection_joins_and_leaves(self) -> None:
        # Two handles of one process cannot be in one group, so the second one is in another process.
        self.join()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with coterie.Cpg() as other:
                    other.join(self.group)
                    other.wait(PATIENCE_S)
                    other.send(b"from the child")
                    other.leave(self.group)
                    status = 0
            finally:
                os._exit(status)
        events = [self.cpg.wait(PATIENCE_S) for _ in range(3)]
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        came, said, went = events
        assert isinstance(came, coterie.ConfigurationChange) and isinstance(went, coterie.ConfigurationChange)
        assert isinstance(said, coterie.Message)
        other_member = coterie.Member(self.cpg.local_nodeid(), child)
        self.assertEqual(came.joined, (other_member,))
        self.assertEqual((said.sender, said.payload), (other_member, b"from the child"))
        self.assertEqual((went.left, went.left[0].reason), ((other_member,), coterie.Reason.LEAVE))

    def test_the_ring_is_reported_on_request(self) -> None:
        with coterie.Cpg(ring_changes=True) as cpg:
            cpg.join(self.group)
            change, ring = cpg.wait(PATIENCE_S), cpg.wait(PATIENCE_S)
            self.assertIsInstance(change, coterie.ConfigurationChange)
            assert isinstance(ring, coterie.RingChange)
            self.assertIn(cpg.local_nodeid(), ring.members)
            self.assertGreater(ring.ring_id.seq, 0)

    def test_membership_and_iteration_agree(self) -> None:
        self.join()
        self.assertEqual(self.cpg.members(self.group), (me(self.cpg),))
        self.assertEqual(self.cpg.members("python.no such group"), ())
        self.assertIn(self.group, self.cpg.groups())
        self.assertIn((self.group, me(self.cpg)), self.cpg.all_members())

    def test_errors_are_exceptions(self) -> None:
        with self.assertRaises(coterie.NotExistError):
            self.cpg.leave(self.group)
        self.join()
        with self.assertRaises(coterie.ExistsError):
            self.cpg.join(self.group)

    def test_a_group_name_of_any_bytes(self) -> None:
        self.group = "python.\udcff\udc80é"
        self.assertEqual(self.join().group, self.group)

    def test_threads_share_a_connection(self) -> None:
        self.join()
        senders = 4
        each = 200

        def send(number: int) -> None:
            for count in range(each):
                self.cpg.send(b"%d %d" % (number, count))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(senders)]
        for thread in threads:
            thread.start()
        heard: dict[int, list[int]] = {number: [] for number in range(senders)}
        for _ in range(senders * each):
            message = self.cpg.wait(PATIENCE_S)
            assert isinstance(message, coterie.Message)
            number, count = map(int, message.payload.split())
            heard[number].append(count)
        for thread in threads:
            thread.join()
        self.assertEqual(heard, {number: list(range(each)) for number in range(senders)})

    def test_the_descriptor_is_readable_while_events_wait(self) -> None:
        import select

        self.join()
        self.assertEqual(select.select([self.cpg], [], [], QUIET_S)[0], [])
        self.cpg.send(b"x")
        self.assertEqual(select.select([self.cpg], [], [], PATIENCE_S)[0], [self.cpg])


class Quorum(unittest.TestCase):
    def test_verdict_and_type(self) -> None:
        with coterie.Quorum() as quorum:
            self.assertEqual(quorum.type, coterie.QuorumType.SET)
            self.assertTrue(quorum.is_quorate())

    def test_tracking_reports_the_present_state(self) -> None:
        with coterie.Quorum() as quorum:
            quorum.track()
            events = list(quorum.events(QUIET_S))
            verdicts = [event for event in events if isinstance(event, coterie.QuorumChange)]
            lists = [event for event in events if isinstance(event, coterie.NodeListChange)]
            self.assertEqual((len(verdicts), len(lists)), (1, 1))
            self.assertTrue(verdicts[0].quorate)
            self.assertEqual(verdicts[0].members, lists[0].members)
            self.assertEqual(verdicts[0].ring_id, lists[0].ring_id)
            with self.assertRaises(coterie.ExistsError):
                quorum.track()
            quorum.untrack()


class Votequorum(unittest.TestCase):
    def setUp(self) -> None:
        self.votes = coterie.Votequorum()
        self.addCleanup(self.votes.close)

    def test_facts_of_this_node(self) -> None:
        info = self.votes.info()
        self.assertEqual((info.state, info.qdevice_name), (coterie.NodeState.MEMBER, ""))
        self.assertGreaterEqual(info.votes, 1)
        self.assertIn(coterie.VoteFlag.QUORATE, info.flags)
        self.assertEqual(self.votes.info(info.nodeid), info)

    def test_facts_of_an_unknown_node_do_not_exist(self) -> None:
        with self.assertRaises(coterie.NotExistError):
            self.votes.info(4_000_000)

    def test_tracking_reports_the_present_state(self) -> None:
        self.votes.track()
        events = list(self.votes.events(QUIET_S))
        changes = [event for event in events if isinstance(event, coterie.VoteChange)]
        lists = [event for event in events if isinstance(event, coterie.VoteNodeList)]
        self.assertTrue(changes[0].quorate)
        self.assertEqual(changes[0].nodes[self.votes.info().nodeid], coterie.NodeState.MEMBER)
        self.assertIn(self.votes.info().nodeid, lists[0].members)
        self.votes.untrack()
        with self.assertRaises(coterie.NotExistError):
            self.votes.untrack()

    def test_votes_and_expected_votes_change(self) -> None:
        # The daemon keeps what it has then, since fewer votes would end its quorum.
        info = self.votes.info()
        self.votes.track(coterie.Track.CHANGES_ONLY)
        self.votes.set_votes(info.nodeid, info.votes + 1)
        now = self.votes.info()
        self.assertEqual(now.votes, info.votes + 1)
        expected = max(now.highest_expected, now.total_votes) + 1
        self.votes.set_expected(expected)
        seen = [event for event in self.votes.events(QUIET_S) if isinstance(event, coterie.ExpectedVotes)]
        self.assertEqual(seen[-1].expected_votes, expected)
        with self.assertRaises(coterie.InvalidParameterError):
            self.votes.set_expected(0)

    def test_a_quorum_device_registers_polls_and_leaves(self) -> None:
        if IS_OURS and not HAS_OUR_LIBRARIES:
            name = "python.a"
        else:
            name = "python.b"
        self.votes.track()
        ring = [event for event in self.votes.events(QUIET_S) if isinstance(event, coterie.VoteNodeList)][-1].ring_id
        try:
            self.votes.register_device(name)
        except coterie.AccessError:  # the configuration has no device: this is the answer, too
            return
        self.addCleanup(self.unregister, name, name + "2")
        self.votes.poll_device(name, True, ring)
        self.assertIn(coterie.VoteFlag.QDEVICE_ALIVE, self.votes.info().flags)
        self.votes.set_device_master_wins(name, False)
        self.votes.rename_device(name, name + "2")
        # The new name goes through the ring. The answer does not wait for it.
        end = time.monotonic() + 5
        while self.votes.info().qdevice_name != name + "2" and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.votes.info().qdevice_name, name + "2")

    def unregister(self, *names: str) -> None:
        """Leave no device behind, which the other tests would meet."""
        end = time.monotonic() + 5
        while self.votes.info().qdevice_name != "" and time.monotonic() < end:
            for name in names:
                with contextlib.suppress(coterie.InvalidParameterError):
                    self.votes.unregister_device(name)
            time.sleep(0.02)
        self.assertEqual(self.votes.info().qdevice_name, "")

    def test_extra_information_needs_the_newer_library(self) -> None:
        if not HAS_OUR_LIBRARIES:
            with self.assertRaises(coterie.NotSupportedError):
                self.votes.device_extra_info(1)
            with self.assertRaises(coterie.NotSupportedError):
                self.votes.set_device_extra_info(b"x")
        elif IS_OURS:
            self.assertEqual(self.votes.device_extra_info(self.votes.info().nodeid), b"")
            with self.assertRaises(coterie.NotExistError):
                self.votes.set_device_extra_info(b"x")
        with self.assertRaises(coterie.TooBigError):
            self.votes.set_device_extra_info(b"x" * 4097)


class Cmap(unittest.TestCase):
    def setUp(self) -> None:
        self.cmap = coterie.Cmap()
        self.addCleanup(self.cmap.close)
        for key in self.cmap.keys("python."):
            del self.cmap[key]

    def test_values_of_all_types(self) -> None:
        values: dict[coterie.ValueType, coterie.cmap.Value] = {
            coterie.ValueType.INT8: -5,
            coterie.ValueType.UINT8: 200,
            coterie.ValueType.INT16: -30_000,
            coterie.ValueType.UINT16: 60_000,
            coterie.ValueType.INT32: -(2**31),
            coterie.ValueType.UINT32: 2**32 - 1,
            coterie.ValueType.INT64: -(2**63),
            coterie.ValueType.UINT64: 2**64 - 1,
            coterie.ValueType.FLOAT: 0.5,
            coterie.ValueType.DOUBLE: 0.1,
            coterie.ValueType.STRING: "grün",
            coterie.ValueType.BINARY: b"a\0b",
        }
        for kind, value in values.items():
            key = f"python.{kind.name.lower()}"
            self.cmap.set(key, value, kind)
            self.assertEqual(self.cmap.get_typed(key), (kind, value))
        self.assertEqual(len(self.cmap.items("python.")), len(values))
        self.assertEqual(self.cmap.keys("python."), sorted(self.cmap.keys("python.")))

    def test_long_values(self) -> None:
        for size in (1, 255, 256, 257, 16_384):
            self.cmap["python.binary"] = b"x" * size
            self.assertEqual(self.cmap["python.binary"], b"x" * size)
        self.cmap["python.string"] = "y" * 5000
        self.assertEqual(self.cmap["python.string"], "y" * 5000)
        with self.assertRaises(coterie.CoterieError):
            self.cmap["python.binary"] = b"x" * 16_385

    def test_it_is_used_as_a_dictionary(self) -> None:
        self.assertIsNone(self.cmap.get("python.none"))
        self.assertEqual(self.cmap.get("python.none", 5), 5)
        self.assertNotIn("python.none", self.cmap)
        with self.assertRaises(KeyError):
            self.cmap["python.none"]
        with self.assertRaises(TypeError):
            self.cmap["python.none"] = 5
        self.cmap.set("python.some", 5, coterie.ValueType.UINT8)
        self.cmap["python.some"] = 6
        self.assertEqual(self.cmap.get_typed("python.some"), (coterie.ValueType.UINT8, 6))
        self.assertIn("python.some", self.cmap)
        del self.cmap["python.some"]
        with self.assertRaises(coterie.NotExistError):
            del self.cmap["python.some"]

    def test_numbers_are_counted(self) -> None:
        self.cmap.set("python.count", 255, coterie.ValueType.UINT8)
        self.cmap.increment("python.count")
        self.assertEqual(self.cmap["python.count"], 0)
        self.cmap.decrement("python.count")
        self.assertEqual(self.cmap["python.count"], 255)

    def test_changes_are_tracked(self) -> None:
        with self.cmap.track("python.", prefix=True) as tracker:
            self.cmap["python.text"] = "one"
            self.cmap["python.text"] = "two"
            del self.cmap["python.text"]
            changes = list(self.cmap.events(QUIET_S))
        kinds = coterie.CmapEvent
        self.assertEqual(
            [(change.event, change.new, change.old) for change in changes],
            [(kinds.ADD, "one", None), (kinds.MODIFY, "two", "one"), (kinds.DELETE, None, "two")],
        )
        self.assertTrue(all(change.tracker is tracker and change.key == "python.text" for change in changes))
        self.cmap["python.text"] = "unseen"
        self.assertEqual(list(self.cmap.events(QUIET_S)), [])

    def test_one_kind_of_change_of_one_key(self) -> None:
        self.cmap.track("python.a", coterie.CmapEvent.MODIFY)
        self.cmap["python.a"] = "one"
        self.cmap["python.ab"] = "one"
        self.cmap["python.a"] = "two"
        self.assertEqual([(c.key, c.new) for c in self.cmap.events(QUIET_S)], [("python.a", "two")])

    def test_statistics(self) -> None:
        with coterie.Cmap(map=coterie.CmapMap.STATS) as stats:
            self.assertTrue(stats.keys("stats.srp."))
            self.assertIsInstance(stats["stats.srp.token_hold_cancel_rx"], int)

    def test_read_only_and_bad_names(self) -> None:
        with self.assertRaises(coterie.AccessError):
            self.cmap["totem.cluster_name"] = "other"
        with self.assertRaises(coterie.NameTooLongError):
            self.cmap["python." + "x" * 260] = "text"


class Cfg(unittest.TestCase):
    def setUp(self) -> None:
        self.cfg = coterie.Cfg()
        self.addCleanup(self.cfg.close)

    def test_this_node(self) -> None:
        nodeid = self.cfg.local_nodeid()
        self.assertGreater(nodeid, 0)
        self.assertEqual(self.cfg.node_addresses(), self.cfg.node_addresses(nodeid))
        addresses = self.cfg.node_addresses()
        self.assertEqual(len(addresses), 1)
        self.assertIn(str(addresses[0]), self.cfg.ring_status()[0].interface)

    def test_the_status_of_a_node(self) -> None:
        status = self.cfg.node_status(self.cfg.local_nodeid())
        self.assertEqual(status.nodeid, self.cfg.local_nodeid())
        self.assertTrue(all(0 <= link.number < 8 for link in status.links))

    def test_errors_are_exceptions(self) -> None:
        with self.assertRaises(coterie.NotExistError):
            self.cfg.kill_node(4_000_000, "no such node")
        with self.assertRaises(coterie.NameTooLongError):
            self.cfg.kill_node(4_000_000, "x" * 300)

    def test_log_files_and_configuration(self) -> None:
        self.cfg.reopen_log_files()
        self.cfg.reload_config()

    def test_a_shutdown_is_objected_to(self) -> None:
        self.cfg.track()
        self.addCleanup(self.cfg.untrack)
        answers: list[BaseException | None] = []

        def stop() -> None:
            try:
                with coterie.Cfg() as other:
                    other.try_shutdown()
            except coterie.BusyError as exception:
                answers.append(exception)

        thread = threading.Thread(target=stop)
        thread.start()
        request = self.cfg.wait(PATIENCE_S)
        self.assertEqual(request, coterie.ShutdownRequest(coterie.ShutdownMode.REQUEST))
        self.cfg.reply_to_shutdown(False)
        thread.join()
        self.assertIsInstance(answers[0], coterie.BusyError)


class Connecting(unittest.TestCase):
    def test_no_daemon_is_a_connection_error(self) -> None:
        if HAS_OUR_LIBRARIES:
            with self.assertRaises(ConnectionError):
                coterie.Cmap("no-such-instance")
        else:
            with self.assertRaises(coterie.NotSupportedError):
                coterie.Cmap("no-such-instance")

    def test_a_malformed_instance_is_refused(self) -> None:
        with self.assertRaises((coterie.InvalidParameterError, coterie.NotSupportedError)):
            coterie.Cpg("../x")

    def test_connections_leave_no_descriptor(self) -> None:
        services = (coterie.Cpg, coterie.Quorum, coterie.Votequorum, coterie.Cmap, coterie.Cfg)
        for service in services:
            service().close()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            for service in services:
                service().close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().slow_callback_duration = PATIENCE_S  # a busy machine is no fault

    async def test_a_group(self) -> None:
        async with aio.Cpg() as cpg:
            await cpg.join("python.aio")
            change = await cpg.next_event()
            assert isinstance(change, coterie.ConfigurationChange)
            self.assertEqual(len(change.joined), 1)
            await cpg.send(b"small")
            await cpg.send(b"x" * (cpg.max_atomic_size() + 1))
            received = []
            async for event in cpg:
                assert isinstance(event, coterie.Message)
                received.append(len(event.payload))
                if len(received) == 2:
                    break
            self.assertEqual(received, [5, cpg.max_atomic_size() + 1])
            self.assertEqual(len(await cpg.members("python.aio")), 1)
            self.assertIn("python.aio", await cpg.groups())
            self.assertIn("python.aio", [group for group, _ in await cpg.all_members()])
            await cpg.leave("python.aio")

    async def test_many_messages_of_many_tasks(self) -> None:
        async with aio.Cpg() as cpg:
            await cpg.join("python.many")
            await cpg.next_event()

            async def send(number: int) -> None:
                for count in range(100):
                    await cpg.send(b"%d %d" % (number, count))

            async def receive() -> dict[int, list[int]]:
                heard: dict[int, list[int]] = {number: [] for number in range(10)}
                for _ in range(1000):
                    event = await cpg.next_event()
                    assert isinstance(event, coterie.Message)
                    number, count = map(int, event.payload.split())
                    heard[number].append(count)
                return heard

            heard, *_ = await asyncio.gather(receive(), *map(send, range(10)))
            self.assertEqual(heard, {number: list(range(100)) for number in range(10)})

    async def test_the_other_services(self) -> None:
        async with aio.Quorum() as quorum, aio.Votequorum() as votes, aio.Cmap() as cmap, aio.Cfg() as cfg:
            self.assertTrue(await quorum.is_quorate())
            self.assertEqual(quorum.type, coterie.QuorumType.SET)
            await quorum.track()
            self.assertIsInstance(await quorum.wait(PATIENCE_S), (coterie.QuorumChange, coterie.NodeListChange))
            await quorum.untrack()
            self.assertEqual((await votes.info()).state, coterie.NodeState.MEMBER)
            await votes.track()
            self.assertIsInstance(await votes.wait(PATIENCE_S), (coterie.VoteChange, coterie.VoteNodeList))
            await votes.untrack()
            tracker = await cmap.track("python.aio")
            await cmap.set("python.aio", 1, coterie.ValueType.UINT8)
            change = await cmap.next_event()
            self.assertEqual((change.key, change.new), ("python.aio", 1))
            await cmap.increment("python.aio")
            self.assertEqual(await cmap.get("python.aio"), 2)
            self.assertEqual(await cmap.items("python.aio"), [("python.aio", 2)])
            await cmap.untrack(tracker)
            await cmap.delete("python.aio")
            self.assertEqual(await cfg.local_nodeid(), (await votes.info()).nodeid)
            self.assertTrue(await cfg.ring_status())
            self.assertTrue(await cfg.node_addresses())

    async def test_a_wait_ends_with_its_timeout(self) -> None:
        async with aio.Cpg() as cpg:
            began = time.monotonic()
            self.assertIsNone(await cpg.wait(0.1))
            self.assertTrue(0.1 <= time.monotonic() - began < PATIENCE_S)

    async def test_close_ends_an_iteration(self) -> None:
        async with aio.Cpg() as cpg:

            async def iterate() -> str:
                async for _ in cpg:
                    pass
                return "end"

            task = asyncio.create_task(iterate())
            await asyncio.sleep(0.05)
            await cpg.close()
            self.assertEqual(await task, "end")
