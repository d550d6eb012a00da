"""What a training writes into its MLflow run: inputs, metrics, pictures, the bundle and the held-out rows."""

import warnings
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import mlflow.data.pandas_dataset
import optuna

from churn.bundle.files import CARD
from churn.bundle.making import Ingredients, make_bundle
from churn.contract.reading import dump_contract
from churn.evaluation.audit import Audit
from churn.evaluation.intervals import Estimate, estimate
from churn.evaluation.plots import plots
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from pipelines.development import Developed, Finalist
from pipelines.explanations import log_explanations
from pipelines.finalists import finalists_markdown, finalists_table
from pipelines.ingest import ID, LABEL
from pipelines.logged_model import log_bundle
from pipelines.nested import Nested
from pipelines.training import Training

COMPARED = ("roc_auc", "pr_auc", "brier", "calibration_slope")
LONGEST_MILLISECONDS = 1e6
HOLDOUT = "evaluation/holdout.parquet"
HOLDOUT_DIGEST = "holdout_sha256"
PIPELINE_PROBABILITY, GROUP, TIME = "\x1fpipeline_probability", "\x1fgroup", "\x1ftime"


def log_inputs(training: Training) -> None:
    """Log parameters, contract, quality report and the table with its digest."""
    contract, ingested = training.contract, training.ingested
    values = {f"train.{name}": value for name, value in training.parameters.model_dump().items()}
    mlflow.log_params({**values, "contract_name": contract.name})
    digest = ingested.customers.sha256
    mlflow.set_tags({"model": training.settings.model, "dataset_digest": digest, "optuna_version": optuna.__version__})
    mlflow.log_text(dump_contract(contract), "contract.yaml")
    mlflow.log_text(ingested.quality.as_markdown(), "quality.md")
    frame = raw_frame(ingested.customers.columns).assign(**{contract.target.column: ingested.customers.labels})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
        dataset = mlflow.data.pandas_dataset.from_pandas(
            frame.astype(dict.fromkeys([*contract.numeric_columns, contract.target.column], "float64")),
            source=ingested.raw.as_uri(),
            name=contract.name,
            targets=contract.target.column,
            digest=digest[:36],
        )
    mlflow.log_input(dataset, context="training")


def log_audit(audit: Audit) -> Audit:
    """Log what the audit for leakage found, passed or not."""
    mlflow.log_text(audit.as_markdown(), "audit.md")
    mlflow.set_tag("leakage_audit", "passed" if audit.passed else "failed")
    return audit


def log_development(developed: Developed) -> None:
    """Log what each finalist reached, and why the best was chosen."""
    best = developed.best
    mlflow.log_params({f"best.{name}": value for name, value in best.parameters.items()})
    mlflow.log_metrics({f"search_roc_auc_{one.candidate.name}": one.roc_auc for one in developed.searched})
    for name, one in developed.finalists.items():
        mlflow.log_metrics({f"finalist_{measure}_{name}": one.estimates[measure].value for measure in COMPARED})
        mlflow.log_metric(f"finalist_milliseconds_{name}", min(one.milliseconds, LONGEST_MILLISECONDS))
    mlflow.log_table(finalists_table(developed), "finalists.json")
    mlflow.log_text(finalists_markdown(developed), "finalists.md")
    mlflow.set_tags({"why_this_candidate": developed.choice.reason, "calibration": best.fitted.calibrator_.name})


def log_cross_validation(training: Training, best: Finalist, threshold: float) -> None:
    """Log the out-of-fold metrics with their intervals, and their pictures."""
    log_estimates("cv", best.estimates)
    mlflow.log_metric("threshold", threshold)
    labels, scores = training.train.labels[best.is_scored], best.fitted.out_of_fold_[best.is_scored]
    for name, figure in plots(labels, scores, threshold).items():
        mlflow.log_figure(figure, f"plots/cross_validated/{name}.png")


def log_estimates(prefix: str, estimates: Mapping[str, Estimate]) -> None:
    """Log each measure with `…_low` and `…_high`; what could not be measured is left out."""
    found = {f"{prefix}_{name}": one.value for name, one in estimates.items()}
    found |= {f"{prefix}_{name}_low": one.low for name, one in estimates.items()}
    found |= {f"{prefix}_{name}_high": one.high for name, one in estimates.items()}
    mlflow.log_metrics({name: value for name, value in found.items() if isfinite(value)})


def log_nested(nested: Nested, training: Training, threshold: float) -> dict[str, Estimate]:
    """Log the scores of the whole procedure on customers that none of its choices has seen."""
    customers = training.train
    found = estimate(customers.labels, nested.scores, threshold=threshold, groups=customers.groups)
    log_estimates("nested", found)
    mlflow.log_dict({"chosen": nested.chosen}, "nested.json")
    return found


def log_model(made_of: Ingredients) -> tuple[str, float]:
    """Make the bundle and log it as the run's model, with its reasons; return its digest and the parity proven."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        digest, parity = make_bundle(folder, made_of)
        log_bundle(folder, made_of.contract)
        mlflow.log_artifact(str(folder / CARD))
        log_explanations(folder, made_of.evaluation)
    mlflow.log_metric("parity_max_difference", parity.max_difference)
    mlflow.set_tags({"candidate": made_of.candidate, "bundle_digest": digest})
    return digest, parity.max_difference


def log_holdout(training: Training, fitted: CalibratedPipeline) -> None:
    """Keep the held-out rows with the pipeline's own probabilities: registration proves parity on all of them."""
    holdout = training.holdout
    frame = raw_frame(holdout.columns)
    probabilities = fitted.predict_proba(frame)[:, 1]
    more = {ID: holdout.ids, LABEL: holdout.labels, PIPELINE_PROBABILITY: probabilities}
    known = {name: values for name, values in ((GROUP, holdout.groups), (TIME, holdout.times)) if values is not None}
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / Path(HOLDOUT).name
        frame.assign(**more, **known).to_parquet(path, index=False)
        mlflow.log_artifact(str(path), str(Path(HOLDOUT).parent))
        mlflow.set_tag(HOLDOUT_DIGEST, sha256(path.read_bytes()).hexdigest())
