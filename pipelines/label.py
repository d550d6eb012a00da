"""Label: make the customer table of a contract whose target is a proxy, and study what another horizon would do.

Reads:  an event log or a usage table, and the contract.
Writes: the labelled table, the lines set aside, a report with the study's rows and picture; an MLflow run with them.
"""

import csv
import hashlib
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import mlflow
from pydantic import BaseModel, Field

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.contract.reading import dump_contract
from churn.data.csv_chunks import BadRow
from churn.errors import LeakageError, TableError, UsageError
from churn.labels.events import day_number
from churn.labels.labelled_file import is_labelled
from churn.labels.labelling import Labelling, label_events, label_table
from churn.labels.report import as_markdown, study_table
from churn.labels.study import LabelStudy, StudyParameters, study_labels
from churn.labels.study_plot import plot_study
from churn.labels.truth import Truth
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
    return _write(contract, data, _find(contract, data, _parameters()), settings)


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
    table = _write(contract, data, found, settings)
    study = _study(contract, found, parameters, truth)
    labelled = Labelled(
        table=table,
        rejected=_write_rejected(table.with_suffix(".rejected.csv"), found.bad_rows),
        folder=_report(settings.report_folder / f"label-{table.stem}", contract, found, study),
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
    path = _place(contract, data, settings, ending=f"-at-{at}.parquet")
    found.table.drop(columns=[contract.target.column]).to_parquet(path, index=False)
    return path


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


def _study(
    contract: Contract, found: Labelling, parameters: LabelParameters, truth: Truth | None
) -> LabelStudy | str | None:
    """A log that is too short for a study can still be labelled."""
    proxy = contract.target.proxy
    if found.events is None or not isinstance(proxy, Inactivity):
        return None
    try:
        return study_labels(found.events, proxy, parameters.study, truth)
    except LeakageError:
        raise
    except TableError as error:
        log.warning("no label study", extra={"why": str(error)})
        return str(error)


def _place(contract: Contract, data: Path, settings: PipelineSettings, *, ending: str) -> Path:
    """A name that the same file and contract give again."""
    with data.open("rb") as stream:
        of_data = hashlib.file_digest(stream, "sha256").hexdigest()
    of_contract = hashlib.sha256(dump_contract(contract).encode()).hexdigest()
    folder = settings.data_folder / contract.name / "labelled"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{contract.name}-{of_data[:12]}-{of_contract[:6]}{ending}"


def _write(contract: Contract, data: Path, found: Labelling, settings: PipelineSettings) -> Path:
    path = _place(contract, data, settings, ending=".parquet")
    found.table.to_parquet(partial := path.with_suffix(".part"), index=False)
    return partial.rename(path)


def _write_rejected(path: Path, bad_rows: tuple[BadRow, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "reasons"])
        writer.writerows(bad_rows)
    return path


def _report(folder: Path, contract: Contract, found: Labelling, study: LabelStudy | str | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.md").write_text(as_markdown(contract, found, study), encoding="utf-8")
    if isinstance(study, LabelStudy):
        study_table(study).to_csv(folder / "study.csv", index=False)
        plot_study(study).savefig(folder / "study.png")
    return folder
