# SPDX-License-Identifier: BSD-3-Clause
"""Error codes of the client libraries, and one exception for each.

All exceptions are subclasses of :class:`CoterieError`. Where Python has an exception of the same meaning, the class is
also a subclass of that one: ``except PermissionError`` catches :class:`AccessError`.
"""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Results of calls: ``cs_error_t`` of ``<corosync/corotypes.h>``."""

    OK = 1
    LIBRARY = 2
    VERSION = 3
    INIT = 4
    TIMEOUT = 5
    TRY_AGAIN = 6
    INVALID_PARAM = 7
    NO_MEMORY = 8
    BAD_HANDLE = 9
    BUSY = 10
    ACCESS = 11
    NOT_EXIST = 12
    NAME_TOO_LONG = 13
    EXIST = 14
    NO_SPACE = 15
    INTERRUPT = 16
    NAME_NOT_FOUND = 17
    NO_RESOURCES = 18
    NOT_SUPPORTED = 19
    BAD_OPERATION = 20
    FAILED_OPERATION = 21
    MESSAGE_ERROR = 22
    QUEUE_FULL = 23
    QUEUE_NOT_AVAILABLE = 24
    BAD_FLAGS = 25
    TOO_BIG = 26
    NO_SECTIONS = 27
    CONTEXT_NOT_FOUND = 28
    TOO_MANY_GROUPS = 30
    SECURITY = 100


class CoterieError(Exception):
    """A call of a client library has failed.

    :ivar code: the number that the library returned, a member of :class:`Code` if it is known
    :ivar call: the name of the C function
    """

    meaning = "the call failed"

    def __init__(self, call: str, code: int, detail: str = "") -> None:
        super().__init__(call, code, detail)
        self.call = call
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        name = f"CS_ERR_{Code(self.code).name}" if self.code in _CODES else f"error {self.code}"
        return f"{self.call}: {self.detail or self.meaning} ({name})"

    def __reduce__(self) -> tuple[type[CoterieError], tuple[str, int, str]]:
        return type(self), (self.call, self.code, self.detail)


class LibraryError(CoterieError, ConnectionError):
    """No daemon answers, or the connection to it is lost."""

    meaning = "no daemon answers, or the connection to it is lost"


class VersionMismatchError(CoterieError):
    """The daemon speaks another version of the protocol."""

    meaning = "the daemon speaks another version"


class InitError(CoterieError):
    """The library could not be initialised."""

    meaning = "the library could not be initialised"


class TimedOutError(CoterieError, TimeoutError):
    """The daemon did not answer in time."""

    meaning = "the daemon did not answer in time"


class TryAgainError(CoterieError, TimeoutError):
    """The daemon could not accept the request before the timeout of the connection. Nothing has happened."""

    meaning = "the daemon cannot accept the request now; nothing has happened"


class InvalidParameterError(CoterieError, ValueError):
    """An argument is not valid."""

    meaning = "an argument is not valid"


class NoMemoryError(CoterieError, MemoryError):
    """The library or the daemon has no memory left for the request."""

    meaning = "no memory is left"


class BadHandleError(CoterieError):
    """The connection, iteration or tracker is closed."""

    meaning = "the connection is closed"


class BusyError(CoterieError):
    """Another operation is in the way."""

    meaning = "another operation is in the way"


class AccessError(CoterieError, PermissionError):
    """The daemon does not allow this to the user of the process."""

    meaning = "the daemon does not allow this"


class NotExistError(CoterieError, KeyError):
    """The object does not exist."""

    meaning = "the object does not exist"


class NameTooLongError(CoterieError, ValueError):
    """A name is too long, or no name of its kind."""

    meaning = "the name is too long, or not valid"


class ExistsError(CoterieError):
    """The object exists already."""

    meaning = "the object exists already"


class NoSpaceError(CoterieError):
    """A limit of the space for objects is reached."""

    meaning = "no space is left"


class InterruptError(CoterieError):
    """The membership changed during the call. The docstring of the call states the consequence."""

    meaning = "the membership changed during the call"


class NameNotFoundError(CoterieError, LookupError):
    """The name is not known."""

    meaning = "the name is not known"


class NoResourcesError(CoterieError):
    """The daemon has no room for the request."""

    meaning = "the daemon has no room for the request"


class NotSupportedError(CoterieError):
    """The daemon or the library does not have this service or function."""

    meaning = "not supported"


class BadOperationError(CoterieError):
    """The operation is not valid in this state."""

    meaning = "the operation is not valid now"


class FailedOperationError(CoterieError):
    """The operation failed."""

    meaning = "the operation failed"


class MessageError(CoterieError):
    """The message does not match the present state."""

    meaning = "the message does not match the present state"


class QueueFullError(CoterieError):
    """A queue is full."""

    meaning = "a queue is full"


class QueueNotAvailableError(CoterieError):
    """A queue is not available."""

    meaning = "a queue is not available"


class BadFlagsError(CoterieError, ValueError):
    """Flags are not valid."""

    meaning = "flags are not valid"


class TooBigError(CoterieError, ValueError):
    """A value or message is too long."""

    meaning = "the value is too long"


class NoSectionsError(CoterieError):
    """An iteration has reached its end."""

    meaning = "the iteration has reached its end"


class ContextNotFoundError(CoterieError, LookupError):
    """A context is not known."""

    meaning = "the context is not known"


class TooManyGroupsError(CoterieError):
    """There are too many groups."""

    meaning = "there are too many groups"


class SecurityError(CoterieError, PermissionError):
    """A check of security failed."""

    meaning = "a security check failed"


class LibraryMissingError(CoterieError, ImportError):
    """The shared library of the service is not installed on this host."""

    meaning = "the shared library is not installed"


_CLASSES: dict[int, type[CoterieError]] = {
    Code.LIBRARY: LibraryError,
    Code.VERSION: VersionMismatchError,
    Code.INIT: InitError,
    Code.TIMEOUT: TimedOutError,
    Code.TRY_AGAIN: TryAgainError,
    Code.INVALID_PARAM: InvalidParameterError,
    Code.NO_MEMORY: NoMemoryError,
    Code.BAD_HANDLE: BadHandleError,
    Code.BUSY: BusyError,
    Code.ACCESS: AccessError,
    Code.NOT_EXIST: NotExistError,
    Code.NAME_TOO_LONG: NameTooLongError,
    Code.EXIST: ExistsError,
    Code.NO_SPACE: NoSpaceError,
    Code.INTERRUPT: InterruptError,
    Code.NAME_NOT_FOUND: NameNotFoundError,
    Code.NO_RESOURCES: NoResourcesError,
    Code.NOT_SUPPORTED: NotSupportedError,
    Code.BAD_OPERATION: BadOperationError,
    Code.FAILED_OPERATION: FailedOperationError,
    Code.MESSAGE_ERROR: MessageError,
    Code.QUEUE_FULL: QueueFullError,
    Code.QUEUE_NOT_AVAILABLE: QueueNotAvailableError,
    Code.BAD_FLAGS: BadFlagsError,
    Code.TOO_BIG: TooBigError,
    Code.NO_SECTIONS: NoSectionsError,
    Code.CONTEXT_NOT_FOUND: ContextNotFoundError,
    Code.TOO_MANY_GROUPS: TooManyGroupsError,
    Code.SECURITY: SecurityError,
}
_CODES = frozenset(int(code) for code in Code)


def error(call: str, code: int, detail: str = "") -> CoterieError:
    """Return the exception for a code. A code that is not known becomes a plain :class:`CoterieError`."""
    if code in _CODES:
        code = Code(code)
    return _CLASSES.get(code, CoterieError)(call, code, detail)
