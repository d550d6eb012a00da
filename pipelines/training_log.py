"""What a training writes into its MLflow run: inputs, metrics, pictures, the bundle and the held-out rows."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import mlflow.data.pandas_dataset
import optuna

from churn.bundle.files import CARD
from churn.bundle.making import Ingredients, make_bundle
from churn.contract.reading import dump_contract
from churn.evaluation.plots import plots
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from pipelines.ingest import ID, LABEL
from pipelines.logged_model import log_bundle
from pipelines.search import Searched
from pipelines.training import Training

HOLDOUT = "evaluation/holdout.parquet"
PIPELINE_PROBABILITY = "\x1fpipeline_probability"


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


def log_search(searched: list[Searched], best: Searched) -> None:
    """Log what each candidate reached, and why the best was chosen."""
    mlflow.log_params({f"best.{name}": value for name, value in best.parameters.items()})
    mlflow.log_metrics({f"search_roc_auc_{one.candidate.name}": one.roc_auc for one in searched})
    found = ", ".join(f"{one.candidate.name} {one.roc_auc:.4f}" for one in searched)
    mlflow.set_tag("why_this_candidate", f"highest cross-validated ROC-AUC: {found}")


def log_cross_validation(
    training: Training, fitted: CalibratedPipeline, metrics: dict[str, float], threshold: float
) -> None:
    """Log the out-of-fold metrics and their pictures."""
    mlflow.log_metrics({f"cv_{name}": value for name, value in metrics.items()})
    mlflow.log_metric("threshold", threshold)
    for name, figure in plots(training.train.labels, fitted.out_of_fold_, threshold).items():
        mlflow.log_figure(figure, f"plots/cross_validated/{name}.png")


def log_model(made_of: Ingredients) -> tuple[str, float]:
    """Make the bundle, log it as the run's model; return its digest and the largest difference to the pipeline."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        digest, parity = make_bundle(folder, made_of)
        log_bundle(folder, made_of.contract)
        mlflow.log_artifact(str(folder / CARD))
    mlflow.log_metric("parity_max_difference", parity.max_difference)
    mlflow.set_tags({"candidate": made_of.candidate, "bundle_digest": digest})
    return digest, parity.max_difference


def log_holdout(training: Training, fitted: CalibratedPipeline) -> None:
    """Keep the held-out rows with the pipeline's own probabilities: registration proves parity on all of them."""
    frame = raw_frame(training.holdout.columns)
    probabilities = fitted.predict_proba(frame)[:, 1]
    more = {ID: training.holdout.ids, LABEL: training.holdout.labels, PIPELINE_PROBABILITY: probabilities}
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / Path(HOLDOUT).name
        frame.assign(**more).to_parquet(path, index=False)
        mlflow.log_artifact(str(path), str(Path(HOLDOUT).parent))
