"""`churn label`: make a customer table from an event log or a usage table."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import UsageError
from cli import console
from cli.options import ContractOption

if TYPE_CHECKING:
    from churn.contract.contract import Contract
    from churn.labels.truth import Truth
    from pipelines.label import Labelled

CONTRACT = Path("contracts/cdnow.yaml")

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DataFile = Annotated[Path | None, typer.Option("--data", help="The event log (text or Parquet), or the usage table.")]
AtOption = Annotated[
    str | None, typer.Option("--at", help="Only describe the customers of this day, for `churn score`; no labels.")
]
TruthFile = Annotated[
    Path | None, typer.Option("--truth", help="Table with true labels of some customers, for the study.")
]
TruthId = Annotated[str, typer.Option("--truth-id", help="Its column that names the customer.")]
TruthColumn = Annotated[str, typer.Option("--truth-column", help="Its column that says who left.")]
TruthPositive = Annotated[str, typer.Option("--truth-positive", help="The value of those who left.")]
DraftOption = Annotated[bool, typer.Option("--draft", help="Print `columns:` for the contract, and do nothing else.")]


@app.command()
def label(  # noqa: PLR0913, PLR0917  typer passes options by name
    contract: ContractOption = CONTRACT,
    data: DataFile = None,
    at: AtOption = None,
    truth: TruthFile = None,
    truth_id: TruthId = "customer",
    truth_column: TruthColumn = "churned",
    truth_positive: TruthPositive = "1",
    draft: DraftOption = False,
) -> None:
    """Label customers by the contract's proxy, audit the features, and study other horizons."""
    from churn.contract.reading import load_contract

    wanted = load_contract(contract)
    if draft:
        _draft(wanted)
        return
    if data is None or not data.is_file():
        raise UsageError(f"there is no file {data}: give the event log or the usage table with --data")
    if at is not None:
        _describe(wanted, data, _day(at))
        return
    from churn.labels.truth import read_truth

    columns = {"customer": truth_id, "column": truth_column, "positive": truth_positive}
    _label(contract, wanted, data, None if truth is None else read_truth(truth, **columns))


def _draft(contract: "Contract") -> None:
    from churn.contract.proxy import Inactivity
    from churn.labels.draft import draft_columns

    if not isinstance(contract.target.proxy, Inactivity):
        raise UsageError("only a proxy of kind inactivity makes columns; a usage table brings its own")
    typer.echo(draft_columns(contract.target.proxy), nl=False)


def _describe(contract: "Contract", data: Path, day: date) -> None:
    from pipelines.label import describe
    from pipelines.settings import PipelineSettings

    path = describe(contract, data, day, PipelineSettings())
    console.out.print(f"customers of {day}: {path}\nnext: churn score --input {path}", markup=False)


def _label(file: Path, contract: "Contract", data: Path, truth: "Truth | None") -> None:
    from pipelines.label import LabelParameters, log_labelling
    from pipelines.label import label as run
    from pipelines.parameters import read_parameters
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings, parameters = PipelineSettings(), read_parameters("label", LabelParameters)
    labelled = run(contract, data, parameters, settings, truth=truth)
    open_tracking(settings)
    run_id = log_labelling(labelled, contract, parameters)
    _tell(labelled)
    console.out.print(
        f"run {run_id} in {settings.tracking_uri}\nnext: churn train --contract {file} --data {labelled.table}",
        markup=False,
    )


def _tell(labelled: "Labelled") -> None:
    found, study = labelled.found, labelled.study
    console.out.print(
        f"{found.rows_read:,} lines, {len(found.bad_rows):,} set aside → {len(found.table):,} rows, "
        f"{found.base_rate:.2%} left\ntable:  {labelled.table}\nreport: {labelled.report}",
        markup=False,
    )
    if study:
        console.out.print(f"horizon: {study.recommended_days} days recommended: {study.reason}", markup=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at {text} is no day: write it like 1998-06-30") from error
