"""`churn load`: load a running door for a short time and judge its answers."""

import json
from typing import Annotated

import typer

from churn.errors import UnreachableError
from cli import console
from cli.options import JunitOption, UrlOption

FAILED = 2

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def load(  # noqa: PLR0917  typer passes options by name
    url: UrlOption,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=3600, help="How long.")] = 20.0,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=10_000, help="Requests in a second.")] = 50.0,
    max_error_rate: Annotated[
        float, typer.Option("--max-error-rate", min=0, max=1, help="Share of the requests that may fail.")
    ] = 0.0,
    max_p99_ms: Annotated[
        float | None, typer.Option("--max-p99-ms", min=0, help="Milliseconds for 99 of 100 answers; default: any.")
    ] = None,
    junit: JunitOption = None,
) -> None:
    """Send the contract's example at a fixed rate; print what came of it as JSON; exit status 2 beyond a limit."""
    import httpx

    from services.acceptance.burden import Burden, Limits, bear, judge
    from services.acceptance.outcome import write_junit
    from services.acceptance.witness import WrongError
    from services.settings import ServiceSettings

    key = ServiceSettings().api_key
    try:
        borne = bear(url, Burden(seconds, rate), api_key=key.get_secret_value() if key else None)
    except (httpx.HTTPError, WrongError) as error:
        raise UnreachableError(f"{url} can't be loaded: {error}; ask it with `churn smoke --url {url}`") from error
    cases = judge(borne, Limits(max_error_rate, max_p99_ms))
    typer.echo(json.dumps(borne.as_members(), indent=2))
    if junit is not None:
        write_junit(junit, "load", cases)
    if wrong := [case.problem for case in cases if not case.has_passed]:
        console.err.print(f"{url} did not bear the load: {'; '.join(wrong)}", markup=False)
        raise typer.Exit(FAILED)
