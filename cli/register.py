"""`churn register`: make a bundle a version."""

import typer

from cli import console
from cli.options import RunOption, VersionFileOption, leave_note, run_id_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def register(run: RunOption = "newest", version_file: VersionFileOption = None) -> None:
    """Prove that the graph equals the pipeline on every held-out row, and make it a version."""
    from pipelines.register import register as make_version
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = make_version(run_id_of(run), settings=settings)
    leave_note(version_file, found.version)
    console.out.print(
        f"{found.name} version {found.version}, digest {found.digest[:12]}, equal to its pipeline within "
        f"{found.tags['parity_max_difference']} on {found.tags['parity_rows']} rows\n"
        f"next: churn promote --version {found.version}",
        markup=False,
    )
