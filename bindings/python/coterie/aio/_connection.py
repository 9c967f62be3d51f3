# SPDX-License-Identifier: BSD-3-Clause
"""The part that the asyncio connections to all services share.

Requests run in one thread of each connection, one after the other in the order of the calls, since the C libraries wait for
the daemon's answer. Events are read in the thread of the loop, which waits for the descriptor with ``add_reader``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from .._connection import Connection, retry_delays
from ..errors import BadHandleError, Code, TryAgainError

EventT = TypeVar("EventT")
ConnectionT = TypeVar("ConnectionT", bound=Connection[Any])
SelfT = TypeVar("SelfT", bound="AsyncConnection[Any, Any]")
ResultT = TypeVar("ResultT")


class AsyncConnection(Generic[ConnectionT, EventT]):
    """A connection to one service of the daemon on this host, for one event loop.

    It is an asynchronous context manager, and an asynchronous iterator over its events::

        async with coterie.aio.Cpg() as cpg:
            await cpg.join("chat")
            async for event in cpg:
                ...

    A request that the daemon cannot accept now is repeated until ``timeout`` seconds have passed. The other tasks run
    meanwhile. A request whose task is cancelled may still be carried out.

    Events are read only when a task waits for one, so a slow reader does not fill memory. Use it in the thread of its
    loop.

    :param instance: as with the connection of the same name in :mod:`coterie`
    :param timeout: seconds that a request, and the opening, are repeated
    """

    def __init__(self, make: Callable[[], ConnectionT], timeout: float) -> None:
        self._make = make
        self._connection: ConnectionT | None = None
        self.timeout = timeout
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._calls = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._readable: asyncio.Future[None] | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<aio.{type(self).__name__} {self._connection!r}>"

    async def open(self: SelfT) -> SelfT:
        """Connect. ``async with`` does it. Errors are those of the connection of the same name in :mod:`coterie`."""
        if self._connection is None and not self._is_closed:
            self._executor = concurrent.futures.ThreadPoolExecutor(1, type(self).__name__)
            try:
                self._connection = await self._repeat(self._make)
            except BaseException:
                self._executor.shutdown(wait=False)
                raise
        return self

    async def close(self) -> None:
        """Disconnect. Further calls do nothing. A task that waits for events leaves."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._readable is not None:
            asyncio.get_running_loop().remove_reader(self._opened().fileno())
            if not self._readable.done():
                self._readable.set_exception(self._closed_error())
            self._readable = None
        if self._connection is not None and self._executor is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._connection.close)
            self._executor.shutdown(wait=False)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    async def __aenter__(self: SelfT) -> SelfT:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Requests.

    def _closed_error(self) -> BadHandleError:
        return BadHandleError(type(self).__name__, Code.BAD_HANDLE)

    def _opened(self) -> ConnectionT:
        if self._connection is None:
            raise BadHandleError(type(self).__name__, Code.BAD_HANDLE, "the connection is not open")
        return self._connection

    async def _repeat(self, attempt: Callable[[], ResultT], here: Connection[Any] | None = None) -> ResultT:
        """Repeat an attempt while the daemon cannot accept it.

        :param here: its connection, if the attempt does not wait for the daemon. It runs in the thread of the loop then,
            unless a request whose task was cancelled still runs in the other one
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self.timeout
        for delay in retry_delays():
            try:
                if here is not None and here._calls.acquire(blocking=False):  # pylint: disable=protected-access
                    try:
                        return attempt()
                    finally:
                        here._calls.release()  # pylint: disable=protected-access
                return await loop.run_in_executor(self._executor, attempt)
            except TryAgainError:
                left = end - loop.time()
                if left <= 0:
                    raise
                await asyncio.sleep(min(delay, left))
        raise AssertionError("delays have no end")

    async def _run(self, attempt: Callable[[ConnectionT], ResultT], is_short: bool = False) -> ResultT:
        """Repeat an attempt while the daemon cannot accept it.

        :param is_short: the attempt does not wait for the daemon
        """
        connection = self._opened()
        async with self._calls:
            if self._is_closed:
                raise self._closed_error()
            return await self._repeat(lambda: attempt(connection), connection if is_short else None)

    # Events.

    async def next_event(self) -> EventT:
        """Wait for the next event, and return it.

        :raises LibraryError: the daemon is gone
        :raises BadHandleError: the connection is closed, or another task closed it meanwhile
        """
        connection = self._opened()
        async with self._reading:
            event: Any = connection._take()  # pylint: disable=protected-access
            if event is not None:
                return cast(EventT, event)
            await asyncio.sleep(0)  # other tasks run between two batches
            while True:
                if self._is_closed:
                    raise self._closed_error()
                event = connection._next()  # pylint: disable=protected-access
                if event is not None:
                    return cast(EventT, event)
                await self._wait_readable(connection.fileno())

    async def _wait_readable(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        self._readable = readable

        def wake() -> None:
            if not readable.done():
                readable.set_result(None)

        loop.add_reader(descriptor, wake)
        try:
            await readable
        finally:
            if self._readable is readable:  # otherwise the descriptor is closed
                self._readable = None
                loop.remove_reader(descriptor)

    async def wait(self, timeout: float | None = None) -> EventT | None:
        """Return the next event, or ``None`` after ``timeout`` seconds without one. Errors as :meth:`next_event`."""
        try:
            async with asyncio.timeout(timeout):
                return await self.next_event()
        except TimeoutError:
            return None

    def __aiter__(self: SelfT) -> SelfT:
        return self

    async def __anext__(self) -> EventT:
        try:
            return await self.next_event()
        except BadHandleError:
            if self._is_closed:
                raise StopAsyncIteration from None
            raise
