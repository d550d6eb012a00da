"""The output of a scoring job: a CSV file or a database table, both resumable, with rejected rows beside."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import IO, Protocol

from pydantic import BaseModel, ValidationError

from churn.contract.table import RejectedRow
from churn.errors import UsageError
from churn.scoring.prediction import utc_now
from churn.stores.score_table import ScoreTable

PLACE = ("segment", "expected_profit", "expected_loss", "priority_score")
HEADER = ("customer_id", "churn_probability", "churn_prediction", "risk_level", "model_version", *PLACE)
REASONS = ("reason_1", "reason_2", "reason_3")
WORDS = (*REASONS, "recommendation")
TEXTS = ("customer_id", "segment", *WORDS)
"""What comes from a customer's table or a contract, and may look like a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Done(BaseModel, frozen=True):
    """How far both files of a job are true."""

    job: str
    rows_done: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)
    scores_bytes: int = 0
    rejected_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Scored:
    """One chunk: its accepted rows as cells in the order of the header, and the rejected ones."""

    rows: Sequence[tuple[object, ...]]
    at_risk: int
    rejected: Sequence[RejectedRow]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows scored, rejected and at risk."""
        return len(self.rows), len(self.rejected), self.at_risk


class ScoreSink(Protocol):
    """Where scores go. `rows_done` and `counts` (scored, rejected, at risk) go on from a killed job."""

    rows_done: int
    counts: tuple[int, int, int]
    rejected_file: Path

    def write(self, scored: Scored, *, rows_done: int) -> None:
        """Take one chunk; it is done when this returns."""

    def finish(self) -> None:
        """Everything was written."""

    def close(self) -> None:
        """Let go, finished or not."""


@contextmanager
def open_sink(output: str, source: Path, job: str, *, header: Sequence[str]) -> Iterator[ScoreSink]:
    """Open a database by its URL, or a CSV file by its name.

    Args:
        output: the URL, or the name.
        source: the file that is scored.
        job: its id; what is there of the same job is gone on with.
        header: the columns of a row.

    Raises:
        UsageError: the file's name does not end in .csv, or its folder can't be written to.
    """
    sink: ScoreSink
    try:
        sink = TableSink(output, source, job, header) if "://" in output else ScoreFile(Path(output), job, header)
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from error
    try:
        yield sink
    except OSError as error:
        raise UsageError(
            f"{output} can't be written: {error.strerror}. Make room, and run the same command again"
        ) from error
    finally:
        sink.close()


class ScoreFile:
    """A CSV file. Until it is whole it is called `….part`, and `….progress` says how far it is true."""

    def __init__(self, path: Path, job: str, header: Sequence[str]) -> None:
        if path.suffix.lower() != ".csv":
            raise UsageError(f"{path} does not end in .csv; or give a database, such as sqlite:///scores.db")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._job = path, job
        self.rejected_file = path.with_name(f"{path.stem}.rejected.csv")
        self._progress = path.with_name(f"{path.name}.progress")
        done = self._read_progress()
        self.rows_done, self.counts = done.rows_done, done.counts
        self._texts = [position for position, name in enumerate(header) if name in TEXTS]
        self._scores = _open_at(_part(path), done.scores_bytes, header)
        self._rejected = _open_at(_part(self.rejected_file), done.rejected_bytes, ("row", "reasons"))

    def write(self, scored: Scored, *, rows_done: int) -> None:
        """Append one chunk, then note how far both files are true."""
        csv.writer(self._scores).writerows(map(self._inert, scored.rows))
        _write_rejected(self._rejected, scored.rejected)
        self.rows_done, self.counts = rows_done, _add(self.counts, scored.counts)
        self._write_progress()

    def finish(self) -> None:
        """Give both files their names."""
        for stream, path in ((self._rejected, self.rejected_file), (self._scores, self._path)):
            stream.close()
            _part(path).rename(path)
        self._progress.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; what is noted as done stays."""
        self._scores.close()
        self._rejected.close()

    def _inert(self, row: tuple[object, ...]) -> Sequence[object]:
        """A spreadsheet must not run a text as a formula (OWASP ASVS 1.2.10)."""
        cells = list(row)
        for position in self._texts:
            text = cells[position]
            if isinstance(text, str) and text.startswith(FORMULA_STARTS):
                cells[position] = f"'{text}"
        return cells

    def _read_progress(self) -> _Done:
        """A job begins anew when its files are not there, or the progress is another job's."""
        nothing = _Done(job=self._job)
        try:
            done = _Done.model_validate_json(self._progress.read_bytes())
        except (OSError, ValidationError):
            return nothing
        sizes = {_part(self._path): done.scores_bytes, _part(self.rejected_file): done.rejected_bytes}
        is_whole = all(path.is_file() and path.stat().st_size >= size for path, size in sizes.items())
        return done if done.job == self._job and is_whole else nothing

    def _write_progress(self) -> None:
        self._scores.flush()
        self._rejected.flush()
        done = _Done(
            job=self._job,
            rows_done=self.rows_done,
            counts=self.counts,
            scores_bytes=self._scores.tell(),
            rejected_bytes=self._rejected.tell(),
        )
        partial = self._progress.with_suffix(".tmp")
        partial.write_text(done.model_dump_json(), encoding="utf-8")
        partial.rename(self._progress)


class TableSink:
    """A database table; each chunk and its mark are one transaction. Rejected rows go to a file beside the input."""

    def __init__(self, url: str, source: Path, job: str, header: Sequence[str]) -> None:
        self._table, self._job, self._header = ScoreTable(url), job, header
        self.rows_done = self._table.rows_done(job)
        self.counts = (0, 0, 0)
        self.rejected_file = source.with_name(f"{source.stem}.rejected.csv")
        self._rejected = _open_until(self.rejected_file, self.rows_done)

    def write(self, scored: Scored, *, rows_done: int) -> None:
        """Upsert one chunk."""
        _write_rejected(self._rejected, scored.rejected)
        self._rejected.flush()
        self._table.upsert(list(self._rows(scored)), job_id=self._job, rows_done=rows_done)
        self.rows_done, self.counts = rows_done, _add(self.counts, scored.counts)

    def _rows(self, scored: Scored) -> Iterator[Mapping[str, object]]:
        now = utc_now()
        for row in scored.rows:
            yield {**dict(zip(self._header, row, strict=True)), "scored_at": now}

    def finish(self) -> None:
        """Forget the job: the same file scored again begins at its first row."""
        self._table.finish(self._job)

    def close(self) -> None:
        """Close the connections and the file."""
        self._table.close()
        self._rejected.close()


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _open_at(path: Path, size: int, header: Sequence[str]) -> IO[str]:
    """Open a partial file where it was last true; a new one gets its header."""
    if size:
        with path.open("r+b") as partial:
            partial.truncate(size)
        return path.open("a", newline="", encoding="utf-8")
    stream = path.open("w", newline="", encoding="utf-8")
    csv.writer(stream).writerow(header)
    return stream


def _write_rejected(stream: IO[str], rejected: Sequence[RejectedRow]) -> None:
    csv.writer(stream).writerows((one.row, "; ".join(one.reasons)) for one in rejected)


def _open_until(path: Path, rows_done: int) -> IO[str]:
    """Open a file of rejected rows, with those that a killed job had dealt with; it is replaced in one step."""
    draft = _part(path)
    stream = draft.open("w", newline="", encoding="utf-8")
    csv.writer(stream).writerows((("row", "reasons"), *_rejected_until(path, rows_done)))
    stream.flush()
    draft.rename(path)
    return stream


def _rejected_until(path: Path, rows_done: int) -> list[list[str]]:
    """Read what a killed job had set aside; rows beyond its mark will be set aside again."""
    if not rows_done or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        return list(takewhile(lambda row: len(row) == 2 and int(row[0]) <= rows_done, rows))  # the last may be torn


def _add(left: tuple[int, int, int], right: tuple[int, int, int]) -> tuple[int, int, int]:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2]
