"""`churn reports`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reports() -> None:
    """List the reports; not built yet."""
    raise typer.Exit(2)
