"""What commands say to people: stdout for results, stderr for progress and errors; plain text when piped."""

from rich.console import Console

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def progress(text: str) -> None:
    """Tell how long work goes on."""
    err.print(f"  {text}", markup=False, style="dim")
