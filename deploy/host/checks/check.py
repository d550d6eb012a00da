"""A check: one sentence that holds or does not, and what to do when it does not."""

from __future__ import annotations  # hosts may have Python 3.9

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.host.asking import UnansweredError
from deploy.host.failure import HostError

PAUSE_SECONDS = 1.0


class WrongError(Exception):
    """What was found is not what should be."""


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    Attributes:
        words: what holds when all is well, with the service's name.
        look: raises when it does not.
        remedy: what to do then.
    """

    words: str
    look: Callable[[], object]
    remedy: str


def passes(check: Check) -> bool:
    """Look, and print one line: ok, or FAILED with what was found and what to do."""
    try:
        check.look()
    except (WrongError, UnansweredError, HostError) as error:
        problem = str(error)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        problem = f"the answer has another shape than expected: {type(error).__name__}: {error}"
    else:
        print(f"ok      {check.words}", flush=True)
        return True
    print(f"FAILED  {check.words}: {problem}\n        do: {check.remedy}", flush=True)
    return False


def failures(checks: Iterable[Check]) -> list[str]:
    """Look at everything, also when something is wrong, and return what does not hold."""
    return [check.words for check in checks if not passes(check)]


def eventually(look: Callable[[], object], *, seconds: float) -> None:
    """Look until it holds.

    Args:
        look: raises while it does not.
        seconds: after which its last error is raised.

    Raises:
        WrongError: it does not hold in time.
        UnansweredError: nobody answers in time.
        HostError: what was executed failed to the end.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            look()
        except (WrongError, UnansweredError, HostError):
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def require(holds: object, otherwise: str) -> None:
    """Make sure that something holds.

    Raises:
        WrongError: it does not; `otherwise` says what was found.
    """
    if not holds:
        raise WrongError(otherwise)
