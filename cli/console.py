"""What commands say to people: stdout for results, stderr for progress and errors; plain text when piped."""

import sys

from rich.console import Console

PIPED_WIDTH = 200
"""Of tables that no terminal shows: Rich would take 80 columns, and cut words off."""

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def progress(text: str) -> None:
    """Tell how long work goes on."""
    err.print(f"  {text}", markup=False, style="dim")
