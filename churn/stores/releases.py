"""Releases in the SQL store: which version is on its way into production, at which stage, and how others ended."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, Row, insert, select, update

from churn.errors import ConflictError, NotFoundError
from churn.stores.tables import releases
from churn.stores.transactions import database_now_text, reading, writing

Status = Literal["running", "stopping", "done", "held", "rejected", "stopped", "rolled_back", "unseen"]
"""`stopping`: somebody wants it to end. `unseen`: it is in production, and the watch saw nothing."""

Ending = Literal["done", "held", "rejected", "stopped", "rolled_back", "unseen"]
OPEN = ("running", "stopping")


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release that somebody starts; its first stage is the first of its plan.

    Attributes:
        plan: as JSON.
    """

    model_name: str
    version: int
    stage: str
    plan: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release. Moments are text, as `churn.scoring.prediction.utc_text` writes it.

    Attributes:
        stage: where it is, or where it ended.
        finished_at: None while it is under way, and after its process was killed.
        words: what came of it.
    """

    id: int
    model_name: str
    version: int
    stage: str
    status: Status
    plan: str
    actor: str
    reason: str
    started_at: str
    stage_started_at: str
    finished_at: str | None
    words: str

    @property
    def is_open(self) -> bool:
        """True when it has not ended."""
        return self.status in OPEN


class ReleaseStore:
    """The table of releases. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, release: NewRelease) -> Release:
        """Note that a release begins.

        Raises:
            ConflictError: another of this model is under way.
        """
        with writing(self._engine) as connection:
            is_open = (releases.c.model_name == release.model_name) & releases.c.status.in_(OPEN)
            other = connection.execute(select(releases).where(is_open)).first()
            if other is not None:
                raise conflict_with(_from_row(other))
            now = database_now_text(connection)
            values = {name: getattr(release, name) for name in NewRelease.__dataclass_fields__}
            moments = {"started_at": now, "stage_started_at": now, "finished_at": None}
            found = connection.execute(insert(releases), {**values, **moments, "status": "running", "words": ""})
            key = found.inserted_primary_key
        return self.get(int(key[0]) if key else 0)

    def get(self, release_id: int) -> Release:
        """Return one release.

        Raises:
            NotFoundError: there is no such release.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(releases).where(releases.c.id == release_id)).first()
        if row is None:
            raise NotFoundError(f"there is no release {release_id}: `churn release status` lists them")
        return _from_row(row)

    def enter(self, release_id: int, stage: str) -> None:
        """Note that a release is at a stage from now on."""
        with writing(self._engine) as connection:
            values = {"stage": stage, "stage_started_at": database_now_text(connection)}
            connection.execute(update(releases).where(releases.c.id == release_id).values(**values))

    def ask_to_stop(self, release_id: int) -> None:
        """Let whoever is at work on it know that it is to end; one that has ended stays as it is."""
        is_running = (releases.c.id == release_id) & (releases.c.status == "running")
        with writing(self._engine) as connection:
            connection.execute(update(releases).where(is_running).values(status="stopping"))

    def end(self, release_id: int, status: Ending, words: str) -> None:
        """Note how it ended; one that has ended stays as it is."""
        is_open = (releases.c.id == release_id) & releases.c.status.in_(OPEN)
        with writing(self._engine) as connection:
            values = {"status": status, "words": words, "finished_at": database_now_text(connection)}
            connection.execute(update(releases).where(is_open).values(**values))

    def history(self, model_name: str, limit: int = 20) -> list[Release]:
        """Return the newest releases of a model, newest first."""
        query = select(releases).where(releases.c.model_name == model_name).order_by(releases.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query)]

    def open_one(self, model_name: str) -> Release | None:
        """Return the release of a model that is under way, or was when its process was killed."""
        is_open = (releases.c.model_name == model_name) & releases.c.status.in_(OPEN)
        with reading(self._engine) as connection:
            row = connection.execute(select(releases).where(is_open).order_by(releases.c.id.desc())).first()
        return _from_row(row) if row else None


def conflict_with(other: Release) -> ConflictError:
    """Return what is told to whom wants to release a version while another is on its way."""
    return ConflictError(
        f"version {other.version} of {other.model_name} is being released ({other.stage}): "
        f"`churn release start {other.version}` takes it up, `churn release stop` ends it"
    )


def _from_row(row: Row[tuple[object, ...]]) -> Release:
    return Release(**row._asdict())
