"""The study that every process of a search opens: its database, heartbeat, sampler and pruner."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from churn.errors import StoreError
from pipelines.search.pruning import WorstThirdPruner
from pipelines.search.sampling import TrialSeededSampler, quiet
from pipelines.search.tickets import try_again

MISSED_BEATS = 4
"""A trial is taken for dead when so many heartbeats did not come."""

CREATIONS = 5


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the database's errors into ours, with its address and without its password."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, ImportError) as error:
        cause = str(error.__cause__ or error).splitlines()[0][:300]
        raise StoreError(f"the studies in {_shown(url)} can't be used: {cause}; look at CHURN_OPTUNA_URL") from error


def storage_of(url: str) -> str:
    """Return Optuna's storage address, with its database made; it never shares one with MLflow or the churn store.

    Raises:
        StoreError: the database does not answer, or is not Optuna's.
    """
    with translated(url), quiet():
        _retried(lambda: _make_tables(url))
    return url


@contextmanager
def opened_study(name: str, url: str, *, seed: int, heartbeat_seconds: int) -> Iterator[optuna.Study]:
    """Open the study, made when nobody has made it yet; its connections are closed at the end."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with quiet():
        storage = RDBStorage(
            url,
            engine_kwargs=_engine(url),
            heartbeat_interval=heartbeat_seconds,
            grace_period=heartbeat_seconds * MISSED_BEATS,
            heartbeat_stale_trial_callback=try_again,
        )
    try:
        with quiet():
            study = optuna.create_study(
                study_name=name,
                storage=storage,
                load_if_exists=True,
                direction="maximize",
                sampler=TrialSeededSampler(seed),
                pruner=WorstThirdPruner(),
            )
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _make_tables(url: str) -> None:
    storage = RDBStorage(url, engine_kwargs=_engine(url))
    storage.engine.dispose()


def _engine(url: str) -> dict[str, Any]:
    """SQLite's own 5 seconds of waiting for a lock are short for many processes on a busy machine."""
    return {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}


def _retried(make: Callable[[], object]) -> None:
    """Two machines that make the tables at the same moment: one of them fails, and finds them a moment later."""
    for attempt in range(CREATIONS):
        try:
            make()
        except SQLAlchemyError:
            if attempt == CREATIONS - 1:
                raise
            time.sleep(0.2 * 2**attempt)
        else:
            return


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "an address that is none"
