"""The MLflow registry: versions, aliases (`production`, `canary`, `shadow`, `staging`), and the bundles behind them.

Imports mlflow, which is slow: serving workers never import this module. With a tracking address of http(s) the
`mlflow-skinny` of the serving environment is enough; a sqlite address needs the full mlflow.
"""

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from churn.bundle.files import verify
from churn.errors import BundleError, NotFoundError, StoreError
from churn.stores.object_store import WHERE_IT_IS, in_words, object_store_errors

PRODUCTION = "production"
CANARY = "canary"
SHADOW = "shadow"
STAGING = "staging"
DIGEST_TAG = "manifest_sha256"
FETCHING = ".fetching-"
"""Folders of downloads that have not ended begin so."""

LEGACY_STAGE = "Production"
EVALUATED = "holdout_roc_auc"
MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}

LONGEST_DESCRIPTION = 5000
"""Letters that MLflow's column takes; PostgreSQL refuses more, SQLite does not count."""

CUT_OFF = "\n\n*(cut here: the whole card is `model_card.md` in the bundle)*"

Answer = TypeVar("Answer")
LONGEST_REASON = 600
"""Letters of MLflow's words: what a download says first is where it is from, then what went wrong."""


@dataclass(frozen=True, slots=True)
class RegisteredBundle:
    """One registered version.

    Attributes:
        digest: sha256 of the bundle's manifest, as it was when the version was registered.
    """

    name: str
    version: int
    digest: str
    run_id: str
    created_at: float
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the run behind a version knows.

    Attributes:
        metrics: all that training and evaluation logged, by name.
        rows: customers in the table that it was made from; None: not known.
        evaluated_at: seconds since 1970; None: it was not evaluated.
    """

    metrics: Mapping[str, float]
    rows: int | None
    evaluated_at: float | None


class ModelRegistry:
    """Reads and moves versions of one registry. Every method raises StoreError when it does not answer."""

    def __init__(self, tracking_uri: str) -> None:
        self._uri = tracking_uri
        with self._translated():
            self._client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)

    def production(self, name: str) -> RegisteredBundle | None:
        """Read the alias `production` once; None when nothing is in production."""
        return self.aliased(name, PRODUCTION)

    def aliased(self, name: str, alias: str) -> RegisteredBundle | None:
        """Read an alias once; None when no version has it."""
        return self._found(lambda: self._client.get_model_version_by_alias(name, alias))

    def version(self, name: str, version: int) -> RegisteredBundle:
        """Return one version.

        Raises:
            NotFoundError: there is no such version.
        """
        found = self._found(lambda: self._client.get_model_version(name, str(version)))
        if found is None:
            raise NotFoundError(f"{name} has no version {version}; `churn status` lists the versions")
        return found

    def versions(self, name: str) -> list[RegisteredBundle]:
        """Return all versions, the newest first."""
        with self._translated():
            found = self._client.search_model_versions(f"name = '{name}'")
            return sorted(map(_registered, found), key=lambda bundle: -bundle.version)

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version of each alias; empty when there is no such model."""
        try:
            with self._translated():
                found: dict[str, str] = self._client.get_registered_model(name).aliases
        except NotFoundError:
            return {}
        return {alias: int(version) for alias, version in found.items()}

    def training(self, run_id: str) -> TrainingFacts:
        """Return what the run behind a version knows.

        Raises:
            NotFoundError: the run was deleted.
        """
        with self._translated():
            run = self._client.get_run(run_id)
            measured = self._client.get_metric_history(run_id, EVALUATED) if EVALUATED in run.data.metrics else []
        evaluated_at = measured[-1].timestamp / 1000 if measured else None
        return TrainingFacts(run.data.metrics, _rows_of(run), evaluated_at)

    def register(
        self, name: str, model_uri: str, *, run_id: str, digest: str, tags: Mapping[str, str]
    ) -> RegisteredBundle:
        """Make a logged model the next version, with the digest that every loader demands."""
        with self._translated():
            self._ensure_model(name)
            made = self._client.create_model_version(
                name,
                source=model_uri,
                run_id=run_id,
                model_id=model_uri.removeprefix("models:/"),
                tags={**tags, DIGEST_TAG: digest},
            )
            return _registered(self._client.get_model_version(name, made.version))

    def describe(self, bundle: RegisteredBundle, text: str) -> None:
        """Set the Markdown description that MLflow's page shows; as much of it as MLflow keeps."""
        with self._translated():
            self._client.update_model_version(bundle.name, str(bundle.version), description=cut(text))

    def tag(self, bundle: RegisteredBundle, tags: Mapping[str, str]) -> None:
        """Set tags on a version."""
        with self._translated():
            for key, value in tags.items():
                self._client.set_model_version_tag(bundle.name, str(bundle.version), key, value)

    def untag(self, bundle: RegisteredBundle, names: Iterable[str]) -> None:
        """Take tags away from a version; one that it does not have is no error."""
        with self._translated():
            for name in names:
                self._client.delete_model_version_tag(bundle.name, str(bundle.version), name)

    def move_production(self, bundle: RegisteredBundle) -> None:
        """Point the alias `production` at a version and read it back; raises as `move_alias` does."""
        self.move_alias(bundle, PRODUCTION)

    def move_alias(self, bundle: RegisteredBundle, alias: str) -> None:
        """Point an alias at a version and read it back.

        Raises:
            StoreError: the alias does not name the version afterwards.
        """
        with self._translated():
            self._client.set_registered_model_alias(bundle.name, alias, str(bundle.version))
        now = self.aliased(bundle.name, alias)
        if now is None or now.version != bundle.version:
            raise StoreError(f"the alias {alias} of {bundle.name} was moved by somebody else at the same time")

    def clear_alias(self, name: str, alias: str) -> None:
        """Take an alias away; nothing happens when no version has it."""
        with self._translated():
            self._client.delete_registered_model_alias(name, alias)

    def mirror_stage(self, bundle: RegisteredBundle) -> None:
        """Show the move as the legacy stage too, for clients that still read stages."""
        self._set_stage(bundle.name, bundle.version, LEGACY_STAGE)
        # MLflow's own way to archive the others compares numbers with text, which PostgreSQL refuses to psycopg 3.
        for other in self.staged(bundle.name):
            if other != bundle.version:
                self._set_stage(bundle.name, other, "Archived")

    def _set_stage(self, name: str, version: int, stage: str) -> None:
        with self._translated(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # stages are deprecated: that is why this is a mirror
            self._client.transition_model_version_stage(name, str(version), stage)

    def staged(self, name: str) -> list[int]:
        """Return the versions that have the legacy stage; more than one when somebody raced for it."""
        with self._translated(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            found = self._client.search_model_versions(f"name = '{name}'")
            return sorted(int(one.version) for one in found if one.current_stage == LEGACY_STAGE)

    def fetch_bundle(self, bundle: RegisteredBundle, folder: Path) -> Path:
        """Download a version's bundle into `folder` (made if absent), verified against its registered digest.

        Raises:
            BundleError: what was downloaded is not what was registered.
        """
        # Not models:/name/version: mlflow would look that up in the process's own default registry, not in this one.
        with self._translated():
            place = self._client.get_model_version_download_uri(bundle.name, str(bundle.version))
        if place.startswith("models:/m-"):
            return self.fetch_logged(place, folder, bundle.digest)
        return self._fetch(f"{place}/artifacts/bundle", folder, bundle.digest)

    def fetch_logged(self, model_uri: str, folder: Path, digest: str) -> Path:
        """Download the bundle of a logged model, `models:/m-…`, that is not a version yet; verified likewise."""
        with self._translated():
            model = self._client.get_logged_model(model_uri.removeprefix("models:/"))
        return self._fetch(f"{model.artifact_location}/artifacts/bundle", folder, digest)

    def _fetch(self, uri: str, folder: Path, digest: str) -> Path:
        """Verify before the folder is moved into place in one step; a sound copy that is there already is kept."""
        if _is_sound(folder, digest):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=FETCHING) as scratch, self._translated():
            path = Path(mlflow.artifacts.download_artifacts(uri, dst_path=scratch, tracking_uri=self._uri))
            verify(path, digest=digest)
            if folder.exists():
                folder.rename(Path(scratch) / "broken")
            path.rename(folder)
        return folder

    def _ensure_model(self, name: str) -> None:
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _found(self, ask: Callable[[], ModelVersion]) -> RegisteredBundle | None:
        try:
            with self._translated():
                return _registered(ask())
        except NotFoundError:
            return None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn mlflow's errors into ours, with the address and what to check."""
        try:
            yield
        except MlflowException as error:
            text = " ".join(str(error).split())[:LONGEST_REASON]
            if error.error_code in MISSING or "not found" in text:
                raise NotFoundError(f"the registry {self._uri} has no such thing: {text}") from error
            hint = f"; {WHERE_IT_IS}" if "s3://" in text else ""
            raise StoreError(f"the registry {self._uri} refused or did not answer: {text}{hint}") from error
        except object_store_errors() as error:
            raise StoreError(
                f"the registry {self._uri} keeps what was asked in another place: {in_words(error)}"
            ) from error
        except (OSError, ImportError) as error:
            raise StoreError(f"the registry {self._uri} can't be reached: {type(error).__name__}: {error}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # a proxy's page, or another program's
            raise StoreError(f"what answers at {self._uri} is no MLflow registry: {type(error).__name__}") from error


def cut(text: str) -> str:
    """Return as much of a description as MLflow keeps: whole lines, and the word that there is more."""
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    kept = text[: LONGEST_DESCRIPTION - len(CUT_OFF)]
    return (kept[: kept.rfind("\n")] if "\n" in kept else kept) + CUT_OFF


def _rows_of(run: Run) -> int | None:
    for one in run.inputs.dataset_inputs if run.inputs else []:
        rows = json.loads(one.dataset.profile or "{}").get("num_rows")
        if isinstance(rows, int):
            return rows
    return None


def _is_sound(folder: Path, digest: str) -> bool:
    try:
        verify(folder, digest=digest)
    except BundleError:
        return False
    return True


def _registered(version: ModelVersion) -> RegisteredBundle:
    tags: dict[str, Any] = dict(version.tags)
    return RegisteredBundle(
        name=version.name,
        version=int(version.version),
        digest=tags.get(DIGEST_TAG, ""),
        run_id=version.run_id or "",
        created_at=version.creation_timestamp / 1000,
        tags=tags,
    )
