"""Every deliberate error, as a tree. A message says what, where, and what to do next.

ChurnError
├── ContractError            a contract, or something derived from it, does not hold
│   └── TableError           a whole table can't be used (a bad row is data, not an error)
│       └── LeakageError     a column or a feature knows the outcome that is to be predicted
├── BundleError              a bundle is broken, incomplete or not equal to its pipeline
├── StoreError               the registry or the SQL store did not answer, or refused
│   ├── RefusedError         it answered: these values can't be stored, now or later
│   ├── NotFoundError        it answered: there is no such version, alias or row
│   └── ConflictError        somebody else holds the lease, or moved first
├── DownloadError            a public file could not be fetched, or is not the expected one
├── ModelNotReadyError       no production bundle is loaded yet
├── ApiError                 a door refused what a client asked
├── UnreachableError         no door answered a client in time
└── UsageError               a command was called with something that can't work
"""

from collections.abc import Mapping


class ChurnError(Exception):
    """A failure with a message for the person who can mend it."""


class ContractError(ChurnError):
    """A contract, or something derived from it, does not hold."""


class TableError(ContractError):
    """A whole table can't be used: a missing column, a wrong encoding, no rows."""


class LeakageError(TableError):
    """A column, or a feature, knows the outcome that is to be predicted."""


class BundleError(ChurnError):
    """A bundle is broken, incomplete, or not equal to the pipeline that it was made from."""


class StoreError(ChurnError):
    """The registry or the SQL store did not answer, or refused."""


class RefusedError(StoreError):
    """The store answered, and will never take these values: trying again is of no use."""


class NotFoundError(StoreError):
    """The store answered, and there is no such thing."""


class ConflictError(StoreError):
    """Somebody else holds the lease, or moved first."""


class DownloadError(ChurnError):
    """A public file could not be fetched, or is not the expected one."""


class ModelNotReadyError(ChurnError):
    """No production bundle is loaded yet."""


class ApiError(ChurnError):
    """A door refused what a client asked.

    Attributes:
        status: of HTTP.
        problem: what the door said, in the shape of RFC 9457; empty when it was not a door that answered.
        request_id: by which the door's log knows the request; empty when it was not said.
    """

    def __init__(self, words: str, *, status: int, problem: Mapping[str, object], request_id: str) -> None:
        super().__init__(words)
        self.status, self.problem, self.request_id = status, problem, request_id


class UnreachableError(ChurnError):
    """No door answered a client in time."""


class UsageError(ChurnError):
    """A command was called with something that can't work."""
