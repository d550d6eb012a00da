"""churn predict: ask the doors for one customer, as a program would."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from churn.errors import UsageError

app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def predict(
    customer: Annotated[str, typer.Argument(help="A file with one customer as JSON; - reads it from standard input.")],
    url: Annotated[
        list[str] | None, typer.Option(help="Of a door; several: the first that is well.", show_default=False)
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="API key, where prediction needs one; better set CHURN_API_KEY.")
    ] = None,
    explain: Annotated[
        bool | None, typer.Option("--explain/--lean", help="With each column's part, or without any reasons.")
    ] = None,
) -> None:
    """Predict for one customer at a running door, and print the answer as JSON."""
    from churn.client import Client
    from services.settings import ServiceSettings

    settings = ServiceSettings()
    shown = settings.api_key.get_secret_value() if key is None and settings.api_key else key
    usual = [f"http://127.0.0.1:{port}" for port in (settings.bento_port, settings.fastapi_port)]
    with Client(url or usual, api_key=shown) as client:
        answer = client.predict(_read(customer), explain=explain)
    typer.echo(answer.model_dump_json(indent=2, exclude_unset=True))


def _read(place: str) -> dict[str, object]:
    import json

    try:
        found = json.loads(sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{place} can't be read: {error.strerror}. Give a file with one customer as JSON") from error
    except ValueError as error:
        raise UsageError(f"{place} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{place} holds no customer: an object of columns is needed; `churn score` takes tables")
    return found
