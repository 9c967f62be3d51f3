# SPDX-License-Identifier: BSD-3-Clause
"""Tests without a daemon: errors, retry, events, closing and hostile values, with a library that a test plays."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import pickle
import select
import signal
import threading
import time
import unittest
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import coterie
from coterie import _connection, _native, cmap, errors
from coterie import _structs as structs

TRY_AGAIN = int(coterie.Code.TRY_AGAIN)


class FakeLibrary:
    """A library whose functions a test sets. A pipe is its descriptor."""

    soname = path = "libfake.so.0"
    has_instances = True

    def __init__(self) -> None:
        self.readable, self.writable = os.pipe()
        self.calls: list[str] = []
        self.answers: dict[str, Callable[..., int]] = {}
        self.waiting: list[Callable[[], object]] = []  # what dispatches do
        self.instance: str | None = "not initialised"

    def has(self, name: str) -> bool:
        return True

    def function(self, name: str) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            short = name.split("_")[-1] if not name.endswith("fd_get") else "fd_get"
            self.calls.append(short)
            if short == "initialize":
                self.instance = os.environ.get("COTERIE_INSTANCE")
                arguments[0]._obj.value = 7
            if short == "fd_get":
                arguments[1]._obj.value = self.readable
            if short == "dispatch":
                if not self.waiting:
                    return TRY_AGAIN
                self.waiting.pop(0)()
            return self.answers.get(short, lambda *_: 1)(*arguments)

        return call

    def close(self) -> None:
        os.close(self.readable)
        os.close(self.writable)


class Plain(_connection.Connection[str]):
    _service = "fake"
    _prefix = "fake_"

    def _initialize(self) -> int:
        return self._library.function("fake_initialize")(ctypes.byref(self._handle))


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.library = FakeLibrary()
        self.addCleanup(self.library.close)
        patch = mock.patch.object(_native, "library", lambda name: self.library)
        patch.start()
        self.addCleanup(patch.stop)

    def plain(self, **options: Any) -> Plain:
        connection = Plain(**options)
        self.addCleanup(connection.close)
        return connection


class Errors(unittest.TestCase):
    def test_each_code_has_a_class_of_its_own(self) -> None:
        failures = [code for code in coterie.Code if code != coterie.Code.OK]
        classes = [type(errors.error("f", code)) for code in failures]
        self.assertEqual(len(set(classes)), len(failures))
        self.assertTrue(all(issubclass(kind, coterie.CoterieError) for kind in classes))
        self.assertTrue(all(kind.__name__ in coterie.__all__ for kind in classes))

    def test_an_unknown_code_is_a_plain_error(self) -> None:
        failure = errors.error("f", 77)
        self.assertIs(type(failure), coterie.CoterieError)
        self.assertEqual(str(failure), "f: the call failed (error 77)")

    def test_python_classes_catch_what_means_the_same(self) -> None:
        for code, kind in {
            coterie.Code.LIBRARY: ConnectionError,
            coterie.Code.TRY_AGAIN: TimeoutError,
            coterie.Code.ACCESS: PermissionError,
            coterie.Code.NOT_EXIST: KeyError,
            coterie.Code.INVALID_PARAM: ValueError,
            coterie.Code.NO_MEMORY: MemoryError,
        }.items():
            self.assertIsInstance(errors.error("f", code), kind)

    def test_the_text_names_call_meaning_and_code(self) -> None:
        self.assertEqual(
            str(errors.error("cpg_join", 14)), "cpg_join: the object exists already (CS_ERR_EXIST)"
        )
        for code in coterie.Code:
            self.assertRegex(str(errors.error("f", code)), r"^f: .* \(CS_ERR_[A-Z_]+\)$")

    def test_errors_survive_pickle(self) -> None:
        for code in coterie.Code:
            failure = pickle.loads(pickle.dumps(errors.error("f", code, "why")))
            self.assertEqual((failure.call, failure.code, failure.detail), ("f", code, "why"))


class Retry(Case):
    def test_a_request_is_repeated_until_it_succeeds(self) -> None:
        answers = [TRY_AGAIN, TRY_AGAIN, 1]
        self.library.answers["request"] = lambda *_: answers.pop(0)
        self.plain()._call("request")
        self.assertEqual(answers, [])

    def test_a_request_ends_with_the_timeout(self) -> None:
        connection = self.plain(timeout=0.05)
        self.library.answers["request"] = lambda *_: TRY_AGAIN
        began = time.monotonic()
        with self.assertRaises(coterie.TryAgainError):
            connection._call("request")
        self.assertTrue(0.05 <= time.monotonic() - began < 5)

    def test_timeout_0_repeats_nothing(self) -> None:
        connection = self.plain(timeout=0)
        self.library.answers["request"] = lambda *_: TRY_AGAIN
        with self.assertRaises(coterie.TryAgainError):
            connection._call("request")
        self.assertEqual(self.library.calls.count("request"), 1)

    def test_another_error_is_not_repeated(self) -> None:
        connection = self.plain()
        self.library.answers["request"] = lambda *_: 11
        with self.assertRaises(coterie.AccessError):
            connection._call("request")
        self.assertEqual(self.library.calls.count("request"), 1)

    def test_opening_is_repeated(self) -> None:
        answers = [TRY_AGAIN, 1]
        self.library.answers["initialize"] = lambda *_: answers.pop(0)
        self.plain()
        self.assertEqual(answers, [])

    def test_a_handle_without_a_descriptor_is_released(self) -> None:
        self.library.answers["fd_get"] = lambda *_: 9
        with self.assertRaises(coterie.BadHandleError):
            Plain()
        self.assertEqual(self.library.calls[-1], "finalize")

    def test_a_handle_is_released_if_there_is_no_pipe(self) -> None:
        with mock.patch("os.pipe", side_effect=OSError(24, "no descriptor is left")), self.assertRaises(OSError):
            Plain()
        self.assertEqual(self.library.calls[-1], "finalize")

    def test_an_argument_of_a_wrong_type_is_a_type_error(self) -> None:
        def refuse(*_: object) -> int:
            raise ctypes.ArgumentError("argument 2: wrong type")

        self.library.answers["request"] = refuse
        with self.assertRaisesRegex(TypeError, "fake_request: argument 2"):
            self.plain()._call("request", "text")

    def test_requests_of_threads_run_one_after_the_other(self) -> None:
        inside: list[int] = []
        most: list[int] = []

        def request(*_: object) -> int:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()
            return 1

        self.library.answers["request"] = request
        connection = self.plain()
        threads = [threading.Thread(target=lambda: connection._call("request")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(most, [1] * 8)


class Instances(Case):
    def test_none_leaves_the_environment(self) -> None:
        with mock.patch.dict(os.environ, {"COTERIE_INSTANCE": "mine"}):
            self.plain()
            self.assertEqual(self.library.instance, "mine")

    def test_a_name_is_set_for_the_call_alone(self) -> None:
        for before in ({"COTERIE_INSTANCE": "mine"}, {}):
            with mock.patch.dict(os.environ, before):
                os.environ.pop("COTERIE_INSTANCE", None) if not before else None
                self.plain(instance="other")
                self.assertEqual(self.library.instance, "other")
                self.assertEqual(os.environ.get("COTERIE_INSTANCE"), before.get("COTERIE_INSTANCE"))

    def test_the_empty_name_is_the_default_instance(self) -> None:
        with mock.patch.dict(os.environ, {"COTERIE_INSTANCE": "mine"}):
            self.plain(instance="")
            self.assertIsNone(self.library.instance)
            self.assertEqual(os.environ["COTERIE_INSTANCE"], "mine")

    def test_it_is_restored_after_an_error(self) -> None:
        self.library.answers["initialize"] = lambda *_: 2
        with mock.patch.dict(os.environ, {"COTERIE_INSTANCE": "mine"}):
            with self.assertRaises(coterie.LibraryError):
                Plain("other")
            self.assertEqual(os.environ["COTERIE_INSTANCE"], "mine")

    def test_a_library_without_instances_refuses_one(self) -> None:
        self.library.has_instances = False
        with self.assertRaisesRegex(coterie.NotSupportedError, "knows no instances"):
            Plain("other")
        self.plain(instance="")


class Events(Case):
    def test_events_come_in_order(self) -> None:
        connection = self.plain()
        for text in ("one", "two", "three"):
            self.library.waiting.append(lambda text=text: connection._receive(lambda: text))
        self.assertEqual(list(connection.events(0)), ["one", "two", "three"])

    def test_a_dispatch_without_an_event_does_not_end_the_reading(self) -> None:
        connection = self.plain()
        self.library.waiting += [lambda: None, lambda: connection._receive(lambda: "late")]
        self.assertEqual(connection.wait(0), "late")

    def test_an_exception_in_a_callback_reaches_the_reader(self) -> None:
        connection = self.plain()
        self.library.waiting.append(lambda: connection._receive(lambda: str(1 // 0)))
        with self.assertRaises(ZeroDivisionError):
            connection.wait(0)
        self.assertIsNone(connection.wait(0))

    def test_an_exception_does_not_pass_through_a_c_callback(self) -> None:
        connection = coterie.Cpg()
        self.addCleanup(connection.close)
        deliver = connection._callbacks.cpg_deliver_fn
        with mock.patch.object(structs, "copied", side_effect=MemoryError):
            self.library.waiting.append(lambda: deliver(7, structs.cpg_name(), 1, 2, None, 0))
            with self.assertRaises(MemoryError):
                connection.wait(0)

    def test_events_come_before_the_error_that_followed_them(self) -> None:
        connection = self.plain()
        answers = [1, 2]
        self.library.answers["dispatch"] = lambda *_: answers.pop(0)
        self.library.waiting += [lambda: connection._receive(lambda: "last"), lambda: None]
        self.assertEqual(connection.wait(0), "last")
        with self.assertRaises(coterie.LibraryError):
            connection.wait(0)

    def test_one_look_reads_a_bounded_number(self) -> None:
        connection = self.plain()
        self.library.waiting += [lambda: connection._receive(lambda: "x")] * 200
        connection.wait(0)
        self.assertEqual(len(self.library.waiting), 200 - _connection.READ_MAX)
        self.assertEqual(len(list(connection.events(0))), 199)

    def test_a_wait_ends_with_its_timeout(self) -> None:
        began = time.monotonic()
        self.assertIsNone(self.plain().wait(0.05))
        self.assertTrue(0.05 <= time.monotonic() - began < 5)

    def test_a_wait_returns_when_the_descriptor_is_readable(self) -> None:
        connection = self.plain()

        def arrive() -> None:
            time.sleep(0.05)
            self.library.waiting.append(lambda: connection._receive(lambda: "new"))
            os.write(self.library.writable, b"1")

        thread = threading.Thread(target=arrive)
        thread.start()
        self.assertEqual(connection.wait(10), "new")
        thread.join()


class Closing(Case):
    def test_close_finalizes_once(self) -> None:
        with Plain() as connection:
            connection.close()
        connection.close()
        self.assertTrue(connection.closed)
        self.assertEqual(self.library.calls.count("finalize"), 1)

    def test_a_closed_connection_refuses_calls(self) -> None:
        connection = self.plain()
        connection.close()
        for call in (lambda: connection._call("request"), connection.fileno, lambda: connection.wait(0)):
            with self.assertRaises(coterie.BadHandleError):
                call()
        self.assertNotIn("request", self.library.calls)

    def test_close_ends_the_waiting_of_other_threads(self) -> None:
        connection = self.plain()
        ends: list[str] = []

        def iterate() -> None:
            ends.extend(connection)
            ends.append("end")

        threads = [threading.Thread(target=iterate) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(connection._waiters) < 3:
            time.sleep(0.001)
        waiting: list[int] = []
        self.library.answers["finalize"] = lambda *_: waiting.append(len(connection._waiters)) or 1
        connection.close()
        self.assertEqual(waiting, [0])  # the descriptor ends with the handle
        for thread in threads:
            thread.join(10)
        self.assertEqual(ends, ["end"] * 3)

    def test_close_waits_for_a_request(self) -> None:
        connection = self.plain()
        is_inside, order = threading.Event(), []

        def request(*_: object) -> int:
            is_inside.set()
            time.sleep(0.05)
            order.append("request")
            return 1

        self.library.answers["request"] = request
        self.library.answers["finalize"] = lambda *_: order.append("finalize") or 1
        thread = threading.Thread(target=lambda: connection._call("request"))
        thread.start()
        is_inside.wait()
        connection.close()
        thread.join()
        self.assertEqual(order, ["request", "finalize"])

    def test_close_in_a_signal_handler_ends_the_wait_of_its_own_thread(self) -> None:
        connection = self.plain()
        waiting: list[int] = []
        self.library.answers["finalize"] = lambda *_: waiting.append(len(connection._waiters)) or 1
        before = signal.signal(signal.SIGALRM, lambda *_: connection.close())
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        self.assertEqual(list(connection), [])
        self.assertEqual(waiting, [0])
        self.assertTrue(connection.closed)

    def test_a_child_leaves_the_connection_to_its_parent(self) -> None:
        with Plain() as connection:
            calls = len(self.library.calls)
            child = os.fork()
            if child == 0:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    connection.close()
                    connection.__del__()
                os._exit(len(self.library.calls) - calls + len(caught))
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertIsNone(connection.wait(0.01))  # the child has woken nobody
            self.assertEqual(select.select([connection._wake], [], [], 0)[0], [])

    def test_a_forgotten_connection_warns_and_is_released(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Plain()
            gc.collect()
        self.assertEqual([warning.category for warning in caught], [ResourceWarning])
        self.assertEqual(self.library.calls[-1], "finalize")

    def test_no_descriptor_is_left(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            Plain().close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Values(unittest.TestCase):
    def test_numbers_survive_a_round_trip(self) -> None:
        for kind, low, high in (
            (coterie.ValueType.INT8, -128, 127),
            (coterie.ValueType.UINT16, 0, 65535),
            (coterie.ValueType.INT32, -(2**31), 2**31 - 1),
            (coterie.ValueType.UINT64, 0, 2**64 - 1),
        ):
            for number in (low, high):
                self.assertEqual(cmap._decode(kind, cmap._encode(number, kind)), number)
            for number in (low - 1, high + 1):
                with self.assertRaises(coterie.InvalidParameterError):
                    cmap._encode(number, kind)

    def test_a_value_of_another_type_is_refused(self) -> None:
        for value, kind in (
            ("5", coterie.ValueType.UINT8),
            (5, coterie.ValueType.STRING),
            (1.5, coterie.ValueType.UINT8),
            ("text", coterie.ValueType.BINARY),
            (b"bytes", coterie.ValueType.STRING),
        ):
            with self.assertRaises(TypeError):
                cmap._encode(value, kind)

    def test_an_unknown_type_of_the_daemon_is_bytes(self) -> None:
        self.assertEqual(cmap._decode(99, b"abc"), b"abc")

    def test_a_name_without_utf8_survives_a_round_trip(self) -> None:
        self.assertEqual(structs.encoded(structs.text(b"a\xff\xfe")), b"a\xff\xfe")

    def test_a_group_name_of_the_library_is_bounded(self) -> None:
        name = structs.cpg_name(length=4000)
        self.assertEqual(len(coterie.cpg._group(name)), structs.CPG_MAX_NAME_LENGTH)

    def test_a_long_group_name_is_refused(self) -> None:
        coterie.cpg._name("x" * 128)
        with self.assertRaises(coterie.NameTooLongError):
            coterie.cpg._name("é" * 65)

    def test_reasons_and_states_that_are_not_known_are_numbers(self) -> None:
        self.assertEqual(coterie.cpg._reason(99), 99)
        self.assertEqual(coterie.votequorum._state(99), 99)

    def test_members_are_equal_whatever_the_reason(self) -> None:
        self.assertIn(coterie.Member(1, 2, coterie.Reason.JOIN), {coterie.Member(1, 2)})

    def test_a_missing_library_has_a_name(self) -> None:
        with self.assertRaisesRegex(coterie.LibraryMissingError, "libnowhere"):
            _native.Library("libnowhere.so.1", {}, {})

    def test_a_function_of_newer_versions_is_not_supported(self) -> None:
        library = _native.Library("libc.so.6", {"abs": (ctypes.c_int,)}, {"no_such_function": ()})
        self.assertFalse(library.has("no_such_function"))
        self.assertIn("libc", library.path)
        self.assertFalse(library.has_instances)
        with self.assertRaises(coterie.NotSupportedError):
            library.function("no_such_function")


class Plainly(coterie.aio._connection.AsyncConnection[Plain, str]):
    def __init__(self, timeout: float = 10.0) -> None:
        super().__init__(lambda: Plain(None, 0), timeout)


class Asyncio(Case):
    def test_other_tasks_run_while_a_request_is_repeated(self) -> None:
        turns: list[int] = []
        wanted = [0]
        self.library.answers["request"] = lambda *_: 1 if len(turns) > wanted[0] else TRY_AGAIN

        async def others() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        async def main() -> None:
            async with Plainly() as connection:
                task = asyncio.create_task(others())
                for is_short in (False, True):
                    wanted[0] = len(turns) + 5
                    await connection._run(lambda plain: plain._call("request"), is_short)
                task.cancel()

        asyncio.run(main())
        self.assertGreater(len(turns), 5)

    def test_a_short_request_does_not_wait_for_one_whose_task_was_cancelled(self) -> None:
        is_inside, may_end = threading.Event(), threading.Event()

        def long(*_: object) -> int:
            is_inside.set()
            may_end.wait(10)
            return 1

        self.library.answers["long"] = long

        async def main() -> None:
            async with Plainly() as connection:
                task = asyncio.create_task(connection._run(lambda plain: plain._call("long")))
                while not is_inside.is_set():
                    await asyncio.sleep(0.001)
                task.cancel()
                asyncio.get_running_loop().call_later(0.05, may_end.set)  # only a loop that runs calls it
                await connection._run(lambda plain: plain._call("request"), is_short=True)
                self.assertTrue(may_end.is_set())

        began = time.monotonic()
        asyncio.run(main())
        self.assertLess(time.monotonic() - began, 5)

    def test_a_request_ends_with_the_timeout(self) -> None:
        self.library.answers["request"] = lambda *_: TRY_AGAIN

        async def main() -> None:
            async with Plainly(0.05) as connection:
                with self.assertRaises(coterie.TryAgainError):
                    await connection._run(lambda plain: plain._call("request"))

        asyncio.run(main())

    def test_requests_keep_their_order(self) -> None:
        order: list[int] = []
        answers = [TRY_AGAIN] * 3

        def request(_handle: object, number: int) -> int:
            if answers:
                return answers.pop()
            order.append(number)
            return 1

        self.library.answers["request"] = request

        async def main() -> None:
            async with Plainly() as connection:
                await asyncio.gather(
                    *(connection._run(lambda plain, n=n: plain._call("request", n), n % 2 == 0) for n in range(9))
                )

        asyncio.run(main())
        self.assertEqual(order, list(range(9)))

    def test_events_are_read_only_when_a_task_waits_for_them(self) -> None:
        async def main() -> None:
            async with Plainly() as connection:
                plain = connection._opened()
                self.library.waiting += [lambda: plain._receive(lambda: "x")] * 100
                os.write(self.library.writable, b"1")
                await asyncio.sleep(0.02)
                self.assertEqual(len(self.library.waiting), 100)
                self.assertEqual(await connection.next_event(), "x")

        asyncio.run(main())

    def test_a_wait_that_times_out_loses_no_event(self) -> None:
        async def main() -> None:
            async with Plainly() as connection:
                plain = connection._opened()
                self.assertIsNone(await connection.wait(0.02))
                self.library.waiting.append(lambda: plain._receive(lambda: "late"))
                os.write(self.library.writable, b"1")
                self.assertEqual(await connection.wait(10), "late")

        asyncio.run(main())

    def test_close_ends_an_iteration_and_a_wait(self) -> None:
        async def iterate(connection: Plainly) -> str:
            async for _ in connection:
                pass
            return "end"

        async def main() -> None:
            async with Plainly() as connection:
                tasks = [asyncio.create_task(iterate(connection)) for _ in range(3)]
                await asyncio.sleep(0.02)
                await connection.close()
                self.assertEqual(await asyncio.gather(*tasks), ["end"] * 3)
                with self.assertRaises(coterie.BadHandleError):
                    await connection.next_event()
                with self.assertRaises(coterie.BadHandleError):
                    await connection._run(lambda plain: None)

        asyncio.run(main())
        self.assertEqual(self.library.calls[-1], "finalize")

    def test_a_connection_that_is_not_open_refuses_calls(self) -> None:
        async def main() -> None:
            with self.assertRaises(coterie.BadHandleError):
                await Plainly()._run(lambda plain: None)

        asyncio.run(main())

    def test_opening_fails_with_the_error_of_the_library(self) -> None:
        self.library.answers["initialize"] = lambda *_: 2

        async def main() -> None:
            with self.assertRaises(coterie.LibraryError):
                async with Plainly():
                    pass

        asyncio.run(main())
