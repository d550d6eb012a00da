"""`churn train`: search, calibrate, bundle."""

import typer

from cli import console
from cli.options import (
    CONTRACT,
    CandidatesOption,
    ContractOption,
    DataOption,
    RunFileOption,
    SeedOption,
    TimeoutOption,
    TrialsOption,
    WorkersOption,
    leave_note,
    names_of,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def train(  # noqa: PLR0913, PLR0917  typer passes options by name
    contract: ContractOption = CONTRACT,
    data: DataOption = "auto",
    trials: TrialsOption = None,
    candidates: CandidatesOption = None,
    timeout_minutes: TimeoutOption = None,
    workers: WorkersOption = None,
    seed: SeedOption = None,
    run_file: RunFileOption = None,
) -> None:
    """Ingest a table, audit it, search the candidates, choose one, and log it as a bundle.

    The same command on several machines, with one CHURN_OPTUNA_URL, shares the trials.
    """
    from churn.contract.reading import load_contract
    from pipelines.customers import choose_customers
    from pipelines.ingest import ingest
    from pipelines.parameters import read_parameters
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking
    from pipelines.train import train as run
    from pipelines.training import TrainParameters

    settings = PipelineSettings()
    wanted = load_contract(contract)
    parameters = read_parameters(
        "train",
        TrainParameters,
        trials=trials,
        candidates=names_of(candidates),
        timeout_minutes=timeout_minutes,
        workers=workers,
        seed=seed,
    )
    source = choose_customers(data, settings=settings)
    console.err.print(f"customers: {source.words}", markup=False)
    ingested = ingest(source.path, wanted, settings)
    open_tracking(settings)
    found = run(ingested, wanted, parameters, settings=settings, say=console.progress)
    leave_note(run_file, found.run_id)
    console.out.print(
        f"{found.why}\n"
        f"cross-validated ROC-AUC {found.estimates['roc_auc']}, Brier {found.estimates['brier']}\n"
        f"the graph equals the pipeline within {found.parity:.0e}\n"
        f"run {found.run_id} in {settings.tracking_uri}\nnext: churn evaluate --run {found.run_id}",
        markup=False,
    )
