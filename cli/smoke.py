"""`churn smoke`: ask a running door the questions that every release must answer."""

from typing import Annotated

import typer

from cli import console
from cli.options import JunitOption, UrlOption

FAILED = 2

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def smoke(
    url: UrlOption,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Version that must be served; default: any.")
    ] = None,
    junit: JunitOption = None,
) -> None:
    """Ask a door for health, version, predictions, reasons, refusals, metrics; exit status 2 when one is wrong.

    CHURN_API_KEY is shown where prediction needs a key.
    """
    from services.acceptance.outcome import write_junit
    from services.acceptance.smoke import smoke as ask
    from services.settings import ServiceSettings

    key = ServiceSettings().api_key
    cases = ask(url, version=version, api_key=key.get_secret_value() if key else None)
    for case in cases:
        console.out.print(
            f"{'ok  ' if case.has_passed else 'FAIL'} {case.name}{f': {case.problem}' if case.problem else ''}",
            markup=False,
        )
    if junit is not None:
        write_junit(junit, "smoke", cases)
    if wrong := [case.name for case in cases if not case.has_passed]:
        console.err.print(f"{len(wrong)} of {len(cases)} answers of {url} are wrong: {'; '.join(wrong)}", markup=False)
        raise typer.Exit(FAILED)
