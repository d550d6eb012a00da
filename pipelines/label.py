"""Label: make the customer table of a contract whose target is a proxy, and study what another horizon would do.

Reads:  an event log or a usage table, and the contract.
Writes: the labelled table, the lines set aside, a report with the study's rows and picture; an MLflow run with them.
"""

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import mlflow
from pydantic import BaseModel, Field

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.contract.reading import dump_contract
from churn.data.files import read_table
from churn.errors import UsageError
from churn.labels.events import day_number
from churn.labels.labelled_file import is_labelled
from churn.labels.labelling import Labelling, label_events, label_table
from churn.labels.report import Study
from churn.labels.study import LabelStudy, LogTooShortError, StudyParameters, study_labels
from churn.labels.truth import Truth
from churn.labels.usage_study import study_usage
from pipelines.label_files import table_place, write_rejected, write_report, write_table
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import STAGE_TAG

log = logging.getLogger(__name__)

LABELLING = "label"


class LabelParameters(BaseModel, frozen=True, extra="forbid"):
    """pipelines/parameters/label.yaml."""

    seed: int = Field(ge=0)
    largest_share_set_aside: float = Field(ge=0, lt=1)
    study: StudyParameters
    usage_factors: tuple[float, ...]
    """The bounds of inactivity of a usage proxy are tried at these multiples."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a labelling left on disk, and what it found.

    Attributes:
        table: what `churn ingest` and `churn train` take, with the same contract.
        folder: the report and, when there is a study, its rows and its picture.
    """

    table: Path
    rejected: Path
    folder: Path
    found: Labelling
    study: LabelStudy | None

    @property
    def report(self) -> Path:
        """Markdown for people."""
        return self.folder / "labels.md"


def labelled(contract: Contract, data: Path, settings: PipelineSettings) -> Path:
    """Return a table that ingest takes: the file itself when the contract has no proxy or the file has its labels.

    Raises:
        TableError: the log can't be used, or a date's outcome is not known yet.
        LeakageError: a feature knows the future.
    """
    if contract.target.proxy is None or is_labelled(data, contract):
        return data
    found = _find(contract, data, _parameters())
    return write_table(table_place(contract, data, settings), found.table)


def label(
    contract: Contract,
    data: Path,
    parameters: LabelParameters,
    settings: PipelineSettings,
    *,
    truth: Truth | None = None,
) -> Labelled:
    """Label a log or a usage table, study the label, and write a report.

    Raises:
        TableError: the log can't be used, or a date's outcome is not known yet.
        LeakageError: a feature knows the future.
    """
    found = _find(contract, data, parameters)
    study = _study(contract, data, found, (parameters, truth))
    table = write_table(table_place(contract, data, settings), found.table)
    labelled = Labelled(
        table=table,
        rejected=write_rejected(table.with_suffix(".rejected.csv"), found.bad_rows),
        folder=write_report(settings.report_folder / f"label-{table.stem}", contract, found, study),
        found=found,
        study=study if isinstance(study, LabelStudy) else None,
    )
    log.info("customers labelled", extra={"rows": len(found.table), "base_rate": found.base_rate})
    return labelled


def describe(contract: Contract, data: Path, at: date, settings: PipelineSettings) -> Path:
    """Write the features of the customers of one day, without labels: what `churn score` takes.

    Raises:
        UsageError: the contract has no event log.
        TableError: the log does not cover the day.
    """
    proxy = contract.target.proxy
    if not isinstance(proxy, Inactivity):
        raise UsageError(f"contract {contract.name} has no event log (target.proxy of kind inactivity)")
    parameters, day = _parameters(), day_number(at)
    found = label_events(
        data, contract, proxy, most_set_aside=parameters.largest_share_set_aside, seed=parameters.seed, at=day
    )
    path = table_place(contract, data, settings, ending=f"-at-{at}.parquet")
    return write_table(path, found.table.drop(columns=[contract.target.column]))


def log_labelling(labelled: Labelled, contract: Contract, parameters: LabelParameters) -> str:
    """Log a labelling as an MLflow run and return its id; tracking is open."""
    with mlflow.start_run(run_name=f"label-{contract.name}") as run:
        mlflow.set_tag(STAGE_TAG, LABELLING)
        mlflow.log_params({**parameters.model_dump(exclude={"study"}), **parameters.study.model_dump()})
        mlflow.log_text(dump_contract(contract), "contract.yaml")
        mlflow.log_metrics({"rows": len(labelled.found.table), "set_aside": len(labelled.found.bad_rows)})
        mlflow.log_metric("base_rate", labelled.found.base_rate)
        if labelled.study:
            mlflow.log_metric("recommended_horizon_days", labelled.study.recommended_days)
        mlflow.log_artifacts(str(labelled.folder), "labels")
    return str(run.info.run_id)


def _parameters() -> LabelParameters:
    return read_parameters(LABELLING, LabelParameters)


def _find(contract: Contract, data: Path, parameters: LabelParameters) -> Labelling:
    match contract.target.proxy:
        case Inactivity() as proxy:
            most, seed = parameters.largest_share_set_aside, parameters.seed
            return label_events(data, contract, proxy, most_set_aside=most, seed=seed)
        case Usage() as proxy:
            return label_table(data, contract, proxy)
        case None:
            raise UsageError(
                f"contract {contract.name} names the column {contract.target.column!r} as its target: there is nothing "
                "to label. Go on with `churn train`, or describe a proxy in target.proxy"
            )


def _study(contract: Contract, data: Path, found: Labelling, asked: tuple[LabelParameters, Truth | None]) -> Study:
    """A log that is too short for a study can still be labelled."""
    parameters, truth = asked
    match contract.target.proxy:
        case Usage() as proxy:
            return study_usage(contract, proxy, read_table(data).columns, factors=parameters.usage_factors, truth=truth)
        case Inactivity() as proxy if found.events is not None:
            try:
                return study_labels(found.events, proxy, parameters.study, truth)
            except LogTooShortError as error:
                log.warning("no label study", extra={"why": str(error)})
                return str(error)
        case _:
            return None
