"""Record: verify, seal, export and shorten the log of predictions and moves.

Reads:  the SQL store; anchors and exported logs.
Writes: anchors, exported logs; `retain` deletes old predictions and notes that in the log.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from churn.errors import NotFoundError, UsageError
from churn.scoring.prediction import utc_text
from churn.settings import Settings
from churn.stores.database import migrated
from churn.stores.log.anchors import Anchor
from churn.stores.log.checking import Checked, Checker
from churn.stores.log.files import read_log, write_log
from churn.stores.log.reading import head_of, one_moment, strays_of, walk
from churn.stores.log.retention import Order, Retained, would_retain
from churn.stores.log.retention import retain as retain_predictions
from churn.stores.stage_runs import StageRunLog, noted
from churn.stores.transactions import reading

STAGE = "audit"


def verify(*, settings: Settings, since: datetime | None = None, anchor: Path | None = None) -> Checked:
    """Check the whole chain and the rows of its blocks, note that it was done, and return what was found.

    Args:
        settings: where the store is.
        since: only the rows of blocks that end then or later are looked at; the chain always as a whole.
        anchor: a file of `seal`.
    """
    expected = Anchor.read(anchor, settings.audit_key) if anchor else None
    with migrated(settings.database_url) as engine:
        if since is None:
            with noted(StageRunLog(engine), settings.model, STAGE) as account:
                checked = _verified(engine, "", expected)
                account.words = checked.words
            return checked
        checked = _verified(engine, utc_text(since), expected)
        if not checked.is_sound:  # a look at a part does not end what a look at the whole has found
            with noted(StageRunLog(engine), settings.model, STAGE) as account:
                account.words = checked.words
    return checked


def verify_file(file: Path, *, settings: Settings, anchor: Path | None = None) -> Checked:
    """Check an exported log, without the database."""
    checker = Checker(Anchor.read(anchor, settings.audit_key) if anchor else None)
    for block, rows in read_log(file):
        checker.look_at(block, None if rows is None else [row.seen for row in rows])
    return checker.finish()


def seal(path: Path, *, settings: Settings) -> Anchor:
    """Write the log's end into a file.

    Raises:
        NotFoundError: nothing was logged yet.
        UsageError: the file is there already.
    """
    with migrated(settings.database_url) as engine, reading(engine) as connection:
        tail = head_of(connection)
    if tail.number < 0:
        raise NotFoundError("the log is empty: nothing was predicted or moved yet, so there is nothing to seal")
    anchor = Anchor.of(tail, settings.audit_key)
    anchor.write(path)
    return anchor


def export(path: Path, *, settings: Settings, since: datetime | None = None, until: datetime | None = None) -> int:
    """Write all blocks, and the rows of those within the times, into a file; return how many rows.

    The file appears when it is whole.
    """
    bounds = {"since": utc_text(since) if since else "", "until": utc_text(until) if until else "~"}
    part = path.with_name(f".{path.name}.part")
    try:
        with migrated(settings.database_url) as engine, one_moment(engine) as connection, part.open("wb") as file:
            rows = write_log(walk(connection, **bounds), file, **bounds)
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def retain(
    before: datetime, *, settings: Settings, actor: str, reason: str, is_forced: bool = False,
    say: Callable[[Retained], None] = lambda _: None,
) -> Retained:  # fmt: skip
    """Delete predictions of blocks that are older as a whole.

    Raises:
        UsageError: it is too late a date: outcomes of such predictions may still be awaited.
        ConflictError: a block's predictions are not as they were recorded.
    """
    limit = datetime.now(UTC) - timedelta(days=settings.retain_days)
    if before > limit and not is_forced:
        raise UsageError(
            f"predictions are kept for {settings.retain_days:g} days (CHURN_RETAIN_DAYS), because outcomes are still "
            f"awaited: give a date before {limit:%Y-%m-%d}, or --force"
        )
    with migrated(settings.database_url) as engine:
        return retain_predictions(engine, Order(utc_text(before), actor, reason), say=say)


def would_be_retained(before: datetime, *, settings: Settings) -> Retained:
    """Count what `retain` would delete."""
    with migrated(settings.database_url) as engine:
        return would_retain(engine, utc_text(before))


def _verified(engine: Engine, since: str, anchor: Anchor | None) -> Checked:
    checker = Checker(anchor)
    with one_moment(engine) as connection:
        for block, rows in walk(connection, since=since):
            checker.look_at(block, None if rows is None else [row.seen for row in rows])
        strays = strays_of(connection, seen=None if since else checker.rows_seen)
        return checker.finish(head=head_of(connection), strays=strays)
