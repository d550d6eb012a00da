"""Large customer tables, written quickly: sampled customers over and over, each with an id of its own."""

from itertools import cycle, islice
from pathlib import Path

from churn.data.sampler_file import write_sample

SAMPLED = 5_000


def write_customers(path: Path, rows: int, *, seed: int) -> Path:
    """Write a CSV of so many customers."""
    sample = path.with_name(f"{path.stem}.sample.csv")
    write_sample(sample, min(rows, SAMPLED), seed=seed)
    header, *lines = sample.read_text(encoding="utf-8").splitlines()
    rest = [line.partition(",")[2] for line in lines]
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{header}\n")
        file.writelines(f"C{number:09},{line}\n" for number, line in enumerate(islice(cycle(rest), rows)))
    sample.unlink()
    return path
