"""`python -m services`: opens the BentoML door from the folder of a Bento, which has no command line of ours."""

import sys

import typer
from pydantic import ValidationError

from churn.errors import ChurnError
from churn.settings import faults_in, set_library_defaults


def main() -> int:
    """Serve until SIGTERM.

    Returns:
        0, or 1 when the door could not be opened for a reason that was told.
    """
    set_library_defaults()
    from services.serving import serve  # noqa: PLC0415  the defaults come first
    from services.settings import ServiceSettings  # noqa: PLC0415

    try:
        settings = ServiceSettings()
        serve("bento", settings, port=settings.bento_port, say=typer.echo)
    except ChurnError as error:
        typer.echo(f"churn: {error}", err=True)
        return 1
    except ValidationError as error:
        typer.echo(f"churn: a setting in the environment does not hold: {faults_in(error)}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
