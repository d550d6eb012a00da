"""`churn ingest`: take a customer table."""

import typer

from cli import console
from cli.options import CONTRACT, ContractOption, DataOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ingest(contract: ContractOption = CONTRACT, data: DataOption = "auto") -> None:
    """Keep the table as it came, set bad rows aside with reasons, and report its quality."""
    from churn.contract.reading import load_contract
    from pipelines.customers import choose_customers
    from pipelines.ingest import ingest as run
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    source = choose_customers(data, settings=settings)
    found = run(source.path, load_contract(contract), settings)
    quality = found.quality
    console.out.print(
        f"{quality.rows:,} rows of {source.words}: {quality.accepted:,} accepted, {quality.rejected:,} set aside",
        markup=False,
    )
    console.out.print(f"rejected rows: {found.rejected}\nquality:       {found.report}", markup=False)
