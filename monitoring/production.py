"""The version in production, and its bundle: from the registry, or from the last copy on disk."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from churn.bundle.files import verify
from churn.errors import NotFoundError, StoreError
from churn.settings import Settings
from churn.stores.agreement import Stray, strays
from churn.stores.promotions import PromotionLog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Production:
    """What is in production, or was asked for by its number.

    Attributes:
        run_id: run of its training, where reports are logged; "" when the registry did not answer.
        bundle: verified folder.
    """

    version: int
    run_id: str
    bundle: Path


class _Pointer(BaseModel):
    """`production.json` in the bundle folder: what the doors of this home serve."""

    name: str
    version: int
    digest: str


def find_production(settings: Settings) -> Production:
    """Return the version in production with its bundle.

    Raises:
        NotFoundError: nothing is in production.
        StoreError: the registry did not answer, and no copy is on disk.
    """
    try:
        return _from_registry(settings)
    except NotFoundError:
        raise
    except StoreError as error:
        found = _from_disk(settings)
        if found is None:
            raise
        log.warning("registry away, the bundle on disk is used", extra={"version": found.version, "why": str(error)})
        return found


def find_version(settings: Settings, version: int) -> Production:
    """Return any version with its bundle, in production or not.

    Raises:
        NotFoundError: there is no such version.
        StoreError: the registry did not answer.
    """
    from churn.stores.registry import ModelRegistry  # noqa: PLC0415  mlflow takes a second

    registry = ModelRegistry(settings.tracking_uri)
    found = registry.version(settings.model, version)
    folder = registry.fetch_bundle(found, settings.bundle_folder / found.digest)
    return Production(found.version, found.run_id, folder)


def production_version(settings: Settings) -> int | None:
    """Return the version that the alias names; None when it names none.

    Raises:
        StoreError: the registry did not answer, or is a local file that nobody made yet.
    """
    _require_made(settings)
    from churn.stores.registry import ModelRegistry  # noqa: PLC0415  imports mlflow

    found = ModelRegistry(settings.tracking_uri).production(settings.model)
    return found.version if found else None


def moved_outside(settings: Settings) -> list[Stray]:
    """Return the aliases that somebody moved behind our back.

    Raises:
        StoreError: the registry or the SQL store did not answer.
    """
    _require_made(settings)
    from churn.stores.database import open_database  # noqa: PLC0415  as below
    from churn.stores.registry import ModelRegistry  # noqa: PLC0415  imports mlflow

    engine = open_database(settings.database_url)
    try:
        return strays(ModelRegistry(settings.tracking_uri), PromotionLog(engine), settings.model)
    finally:
        engine.dispose()


def _require_made(settings: Settings) -> None:
    file = settings.tracking_uri.removeprefix("sqlite:///")
    if file != settings.tracking_uri and not Path(file).exists():
        raise StoreError(f"there is no registry at {file} yet: `churn ring` makes one")  # asking MLflow would make it


def _from_registry(settings: Settings) -> Production:
    from churn.stores.registry import ModelRegistry  # noqa: PLC0415  mlflow takes a second

    registry = ModelRegistry(settings.tracking_uri)
    found = registry.production(settings.model)
    if found is None:
        raise NotFoundError(f"no version of {settings.model} is in production: promote one with `churn promote`")
    folder = registry.fetch_bundle(found, settings.bundle_folder / found.digest)
    return Production(found.version, found.run_id, folder)


def _from_disk(settings: Settings) -> Production | None:
    try:
        pointer = _Pointer.model_validate_json((settings.bundle_folder / "production.json").read_bytes())
    except (OSError, ValidationError):
        return None
    if pointer.name != settings.model:
        return None
    folder = settings.bundle_folder / pointer.digest
    verify(folder, digest=pointer.digest)
    return Production(pointer.version, "", folder)
