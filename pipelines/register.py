"""Register: prove once more that the graph equals the pipeline, on every held-out row, and make it a version.

Reads:  an evaluated training run: its bundle, its held-out rows with the pipeline's probabilities.
Writes: a version in the registry with the bundle's digest as a tag, and the model card as its description; its digest
        in our log, so that a version that somebody makes or changes by hand is not taken for ours.
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.entities import Run

from churn.bundle.files import CARD
from churn.bundle.parity import prove_parity
from churn.errors import UsageError
from churn.scoring.scorer import Scorer
from churn.stores.database import migrated
from churn.stores.promotions import Move, PromotionLog, unknown_because
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.holdout import load_bundle_of, read_holdout
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training

log = logging.getLogger(__name__)


def register(run_id: str | None, *, settings: PipelineSettings) -> RegisteredBundle:
    """Register a training run's bundle: the named run's, else the newest. The same bundle is registered once.

    Raises:
        BundleError: the graph is not equal to the pipeline, or the bundle is not what was sealed.
        UsageError: the run was not evaluated.
    """
    run = find_training(settings, run_id)
    if "holdout_roc_auc" not in run.data.metrics:
        raise UsageError(f"run {run.info.run_id} was not evaluated: run `churn evaluate --run {run.info.run_id}` first")
    registry = ModelRegistry(settings.tracking_uri)
    scorer, card = _fetch_afresh(run, registry)
    holdout = read_holdout(run)
    parity = prove_parity(scorer.score_columns(holdout.columns(scorer.contract)), holdout.of_pipeline)
    for earlier in registry.versions(settings.model):
        if earlier.digest == scorer.digest:
            _note_if_unknown(earlier, settings)
            return earlier
    tags = {
        "candidate": run.data.tags["candidate"],
        "contract": scorer.contract.name,
        "dataset_digest": run.data.tags["dataset_digest"],
        "parity_max_difference": f"{parity.max_difference:.1e}",
        "parity_rows": str(parity.rows),
        "validation_status": "registered",
    }
    uri = run.data.tags["model_uri"]
    bundle = registry.register(settings.model, uri, run_id=run.info.run_id, digest=scorer.digest, tags=tags)
    note_registered(bundle, settings.actor, f"made by run {run.info.run_id}", settings=settings)
    registry.describe(bundle, card)
    log.info("version registered", extra={"model": bundle.name, "version": bundle.version, "digest": bundle.digest})
    return bundle


def note_registered(bundle: RegisteredBundle, actor: str, reason: str, *, settings: PipelineSettings) -> None:
    """Note a version's digest in our log, by which all who load it know it."""
    move = Move(bundle.name, "register", from_version=None, to_version=bundle.version, actor=actor, alias="")
    details = {"digest": bundle.digest, "run_id": bundle.run_id}
    with migrated(settings.database_url) as engine:
        PromotionLog(engine).note(move, reason=reason, details=details)


def _note_if_unknown(bundle: RegisteredBundle, settings: PipelineSettings) -> None:
    """What made the version may have died before its note; a version from before the first note needs none."""
    with migrated(settings.database_url) as engine:
        known = PromotionLog(engine).registered_digests(bundle.name)
    if unknown_because(known, bundle.version, bundle.digest):
        note_registered(bundle, settings.actor, "proven once more: its first registration died", settings=settings)


def _fetch_afresh(run: Run, registry: ModelRegistry) -> tuple[Scorer, str]:
    """Load the bundle that others will download, not a copy that an earlier stage left here; and its card."""
    with TemporaryDirectory() as scratch:
        scorer = load_bundle_of(run, registry, Path(scratch))
        return scorer, (Path(scratch) / scorer.digest / CARD).read_text(encoding="utf-8")
