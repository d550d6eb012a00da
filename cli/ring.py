"""`churn ring`: from a table to production in one command."""

import typer

from cli import console
from cli.gate import STATUS, show
from cli.options import (
    CONTRACT,
    CandidatesOption,
    ContractOption,
    DataOption,
    SeedOption,
    TimeoutOption,
    TrialsOption,
    names_of,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ring(  # noqa: PLR0917  typer passes options by name
    contract: ContractOption = CONTRACT,
    data: DataOption = "auto",
    trials: TrialsOption = None,
    candidates: CandidatesOption = None,
    timeout_minutes: TimeoutOption = None,
    seed: SeedOption = None,
) -> None:
    """Ingest, train, evaluate, register and promote, one after the other; the parameters are the stages' own.

    Exit status 0: the new version is in production; 2: the gate rejected it; 3: the gate held it.
    """
    from churn.contract.reading import load_contract
    from pipelines.ring import go_round
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    found = go_round(
        load_contract(contract),
        data,
        overrides={
            "trials": trials,
            "candidates": names_of(candidates),
            "timeout_minutes": timeout_minutes,
            "seed": seed,
        },
        settings=settings,
        say=console.progress,
    )
    if not found.promoted.has_moved:
        console.err.print(f"version {found.promoted.version} was not promoted", markup=False)
        show(found.promoted.verdict, is_error=True)
        raise typer.Exit(STATUS[found.promoted.verdict.decision])
    console.out.print(
        f"{found.promoted.model} version {found.promoted.version} is in production: cross-validated ROC-AUC "
        f"{found.trained.estimates['roc_auc'].value:.4f}, held-out {found.evaluated.metrics['roc_auc']:.4f}\n"
        "next: churn serve --door bento",
        markup=False,
    )
