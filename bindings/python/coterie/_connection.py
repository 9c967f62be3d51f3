# SPDX-License-Identifier: BSD-3-Clause
"""The part that connections to all services share: opening, requests with retry, events, closing.

Locks. ``_calls`` is held during a request, since Corosync's libraries allow one at a time for each handle. ``_reading`` is
held while events are read. A thread that holds both took ``_calls`` first. Both are re-entrant, and a thread that closes
a connection inside its own wait for events, in a signal handler, does not wait for itself.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import os
import select
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Generic, TypeVar

from . import _native
from .errors import BadHandleError, Code, CoterieError, NotSupportedError, error

EventT = TypeVar("EventT")
SelfT = TypeVar("SelfT", bound="Connection[Any]")

RETRY_FIRST_S = 0.001
RETRY_LONGEST_S = 0.1
READ_MAX = 64  # events that one look at the descriptor takes

_environment = threading.Lock()


@contextlib.contextmanager
def _instance_environment(library: _native.Library, instance: str | None) -> Iterator[None]:
    """Set COTERIE_INSTANCE for the time of an initialize call. The libraries read it there and nowhere else."""
    if instance is None:
        yield
        return
    if instance and not library.has_instances:
        raise NotSupportedError(
            library.soname, Code.NOT_SUPPORTED, f"{library.path} is not Coterie's and knows no instances"
        )
    with _environment:
        before = os.environ.get("COTERIE_INSTANCE")
        try:
            if instance:
                os.environ["COTERIE_INSTANCE"] = instance
            else:
                os.environ.pop("COTERIE_INSTANCE", None)
            yield
        finally:
            if before is None:
                os.environ.pop("COTERIE_INSTANCE", None)
            else:
                os.environ["COTERIE_INSTANCE"] = before


def retry_delays() -> Iterator[float]:
    """Yield the seconds to wait before each repetition of a request."""
    delay = RETRY_FIRST_S
    while True:
        yield delay
        delay = min(2 * delay, RETRY_LONGEST_S)


class Connection(Generic[EventT]):
    """A connection to one service of the daemon on this host.

    It is a context manager. ``fileno()`` is readable while events wait, so it can be given to :mod:`selectors`.

    A request that the daemon cannot accept now (``CS_ERR_TRY_AGAIN``) is repeated until ``timeout`` seconds have passed.
    :class:`TryAgainError` follows then, and nothing has happened.

    Several threads may use one connection. Requests run one after the other, so a thread may wait for another one's
    request. An event goes to one of the threads that read events. :meth:`close` in one thread ends the waiting of others.
    After a fork the child must not use connections of its parent. If it closes or forgets one, only its own copies of
    descriptors are closed.

    :param instance: the daemon's instance. ``None`` takes ``COTERIE_INSTANCE`` of the environment, as the C libraries do.
        ``""`` is the default instance. While a connection with an explicit instance opens, that variable is changed.
    :param timeout: seconds that a request, and the opening, are repeated. 0: they are not repeated
    :raises LibraryError: no daemon answers
    :raises NotSupportedError: the daemon does not have the service, or an instance was given to Corosync's library
    :raises LibraryMissingError: the client library is not installed
    :raises AccessError: the daemon does not allow this user
    """

    _service: ClassVar[str]
    _prefix: ClassVar[str]

    def __init__(self, instance: str | None = None, timeout: float = 10.0) -> None:
        self._is_closed = True  # until it is open
        self.timeout = timeout
        self._library = _native.library(self._service)
        self._calls = threading.RLock()
        self._reading = threading.RLock()
        self._process = os.getpid()
        self._waiters: list[int] = []  # idents of threads that wait for events
        self._is_left_open = False  # closed by a thread that waits, which finishes it
        self._no_waiters = threading.Condition()
        self._events: collections.deque[EventT] = collections.deque()
        self._failure: BaseException | None = None  # of a callback
        self._postponed: CoterieError | None = None  # of a dispatch that also brought events
        self._handle = ctypes.c_uint64(0)
        descriptor = ctypes.c_int(-1)
        with _instance_environment(self._library, instance):
            self._retry(f"{self._prefix}initialize", self._initialize)
        try:
            code = self._library.function(f"{self._prefix}fd_get")(self._handle, ctypes.byref(descriptor))
            if code != Code.OK:
                raise error(f"{self._prefix}fd_get", code)
            self._wake, self._waker = os.pipe()  # of threads that wait for events, by close
        except BaseException:
            self._library.function(f"{self._prefix}finalize")(self._handle)
            raise
        self._descriptor = descriptor.value
        self._dispatch = self._library.function(f"{self._prefix}dispatch")
        self._is_closed = False

    def _initialize(self) -> int:
        """Call the library's initialize function once, with ``self._handle``. Return its code."""
        raise NotImplementedError

    def __enter__(self: SelfT) -> SelfT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._is_closed:
            if self._process == os.getpid():
                warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else f"handle={self._handle.value:#x}"
        return f"<{type(self).__name__} {state}>"

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    def close(self) -> None:
        """Disconnect. Further calls do nothing.

        It waits for requests of other threads. Threads that wait for events leave: iterations end, and :meth:`wait` raises
        :class:`BadHandleError`. Events that were not read are lost. In a signal handler that interrupts such a wait it
        returns at once, and the connection ends when the wait does.
        """
        if self._process != os.getpid():
            # The connection and the locks are the parent's.
            if not self._is_closed:
                self._is_closed = True
                os.close(self._wake)
                os.close(self._waker)
            return
        with self._calls:
            if self._is_closed:
                return
            self._is_closed = True
            os.write(self._waker, b"\0")
            with self._no_waiters:
                self._is_left_open = threading.get_ident() in self._waiters
                if self._is_left_open:
                    return
                self._no_waiters.wait_for(lambda: not self._waiters)
            self._release()

    def _release(self) -> None:
        """Release the handle and the pipe. No thread uses them."""
        with self._calls, self._reading:
            self._events.clear()
            # The handle is released whatever the daemon says.
            self._library.function(f"{self._prefix}finalize")(self._handle)
            os.close(self._wake)
            os.close(self._waker)

    def fileno(self) -> int:
        """Return a descriptor that is readable while events wait. The library owns it."""
        self._check_open("fileno")
        return self._descriptor

    # Requests.

    def _check_open(self, call: str) -> None:
        if self._is_closed:
            raise BadHandleError(call, Code.BAD_HANDLE)

    def _retry(self, call: str, attempt: Callable[[], int]) -> None:
        """Repeat a call while the daemon cannot accept it. Raise for any other code than OK."""
        end = time.monotonic() + self.timeout
        for delay in retry_delays():
            code = attempt()
            if code == Code.OK:
                return
            left = end - time.monotonic()
            if code != Code.TRY_AGAIN or left <= 0:
                raise error(call, code)
            time.sleep(min(delay, left))

    def _call(self, name: str, *arguments: object) -> None:
        """Call ``name`` of the library with the handle and the arguments, with retry."""
        call = self._prefix + name
        function = self._library.function(call)

        def attempt() -> int:
            with self._calls:
                self._check_open(call)
                try:
                    return function(self._handle, *arguments)
                except ctypes.ArgumentError as exception:
                    raise TypeError(f"{call}: {exception}") from None

        self._retry(call, attempt)

    # Events.

    def _receive(self, make: Callable[[], EventT]) -> None:
        """Queue an event inside a callback. An exception stays here, since C cannot handle it."""
        try:
            self._events.append(make())
        except BaseException as exception:  # pylint: disable=broad-except
            self._failure = exception

    def _read(self) -> None:
        """Take waiting events from the library, without waiting for more."""
        for _ in range(READ_MAX):
            code = self._dispatch(self._handle, _native.DISPATCH_ONE_NONBLOCKING)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if code == Code.TRY_AGAIN:
                return
            if code != Code.OK:
                self._postponed = error(f"{self._prefix}dispatch", code)
                return

    def _take(self) -> EventT | None:
        """Return an event that was read already."""
        with self._reading:
            return self._events.popleft() if self._events else None

    def _next(self) -> EventT | None:
        """Return an event, or None if none waits."""
        with self._reading:
            self._check_open(f"{self._prefix}dispatch")
            if not self._events:
                if self._postponed is None:
                    self._read()
                if not self._events and self._postponed is not None:
                    postponed, self._postponed = self._postponed, None
                    raise postponed
            return self._events.popleft() if self._events else None

    def _poll(self, seconds: float | None) -> None:
        """Wait until the descriptor is readable, the connection is closed, or the time is over."""
        me = threading.get_ident()
        with self._no_waiters:
            self._waiters.append(me)
        try:
            self._check_open(f"{self._prefix}dispatch")
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            poll.register(self._wake, select.POLLIN)
            poll.poll(None if seconds is None else max(0, seconds) * 1000)
        finally:
            with self._no_waiters:
                self._waiters.remove(me)
                self._no_waiters.notify_all()
                is_last = self._is_left_open and not self._waiters
                self._is_left_open = self._is_left_open and not is_last
            if is_last:
                self._release()

    def wait(self, timeout: float | None = None) -> EventT | None:
        """Return the next event, or ``None`` after ``timeout`` seconds without one.

        :param timeout: ``None`` waits without a limit; 0 returns at once
        :raises LibraryError: the daemon is gone
        :raises BadHandleError: the connection is closed, or another thread closed it meanwhile
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            event = self._next()
            if event is not None:
                return event
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            self._poll(left)

    def events(self, timeout: float | None = None) -> Iterator[EventT]:
        """Iterate over events until ``timeout`` seconds pass without one, or the connection is closed.

        :param timeout: ``None`` waits without a limit; 0 yields the events that wait already
        :raises LibraryError: the daemon is gone
        """
        while True:
            try:
                event = self.wait(timeout)
            except BadHandleError:
                if self._is_closed:
                    return
                raise
            if event is None:
                return
            yield event

    def __iter__(self) -> Iterator[EventT]:
        return self.events()
