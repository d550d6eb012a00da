"""`python -m monitoring.boards` writes the boards that Grafana is provisioned with."""

from pathlib import Path

from monitoring.boards.boards import BOARDS
from monitoring.boards.grafana import board_json

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards" / "churn"


def write(folder: Path) -> None:
    """Write one file for each board, and remove the files of boards that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {folder / f"{board.name}.json": board_json(board) for board in BOARDS}
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    for file in set(folder.glob("*.json")) - texts.keys():
        file.unlink()


if __name__ == "__main__":
    write(FOLDER)
