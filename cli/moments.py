"""Moments as people write them: ISO 8601, in this machine's zone unless they name another."""

from datetime import datetime

from churn.errors import UsageError


def moment_of(text: str) -> datetime:
    """Read a moment.

    Raises:
        UsageError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no moment: write 2026-11-21, 2026-11-21T14:00 or 2026-11-21T14:00+01:00"
        ) from error
    return moment.astimezone()


def moment_or_none(text: str | None) -> datetime | None:
    """Read a moment; None stays None."""
    return None if text is None else moment_of(text)
