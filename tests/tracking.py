"""Mlflow keeps its address in the process and in the environment: tests put both back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache


@contextmanager
def own_tracking() -> Iterator[None]:
    """Leave no address of mlflow behind, in this process or for those that it starts."""
    before = dict(os.environ)  # noqa: TID251  what mlflow and the command line put there is taken out again
    try:
        yield
    finally:
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
        forget_copies()
        os.environ.clear()  # noqa: TID251
        os.environ.update(before)  # noqa: TID251


def forget_copies() -> None:
    """Mlflow remembers where a run's artifacts are by its id alone, which a copied home shares."""
    _artifact_repos_cache.clear()
