"""Measure everything in one run and write benchmarks/RESULTS.md: `make bench`."""

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import batch, http, sampler, scoring
from benchmarks.results import RESULTS, replace_section, section_of

APART = (
    "science",
    "eyes: simulation",
    "eyes: drift",
    "eyes: performance",
    "promotion: gate",
    "promotion: gate interval",
    "promotion: canary",
)
"""Sections that `make bench-science` and `benchmarks.eyes` write, and that stay."""

SHOWN = ("onnxruntime", "bentoml", "fastapi", "mlflow", "catboost", "scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the real Telco-Customer-Churn.csv, for the sampler's part")
    data = parser.parse_args().data
    sections = [_heading()]
    with tempfile.TemporaryDirectory() as scratch:
        _say("scoring")
        sections += ["## Scoring\n", scoring.markdown(scoring.measure(Path(scratch)))]
        _say("HTTP")
        sections += ["## HTTP\n", http.__doc__ or "", scoring.markdown(http.measure(Path(scratch)))]
        _say("batches")
        sections += ["## Batches\n", batch.__doc__ or "", scoring.markdown(batch.measure(Path(scratch)))]
    if data:
        _say("the sampler")
        sections += ["## The synthetic sampler against the real Telco file\n", sampler.markdown(sampler.measure(data))]
    else:
        sections += [
            "## The synthetic sampler\n",
            "Not measured in this run: `make bench DATA=Telco-Customer-Churn.csv`.",
        ]
    before, page = RESULTS.read_text(encoding="utf-8"), "\n".join(sections) + "\n"
    for name in APART:
        page = replace_section(page, name, section_of(before, name))
    RESULTS.write_text(page, encoding="utf-8")
    _say(f"written to {RESULTS}")


def _heading() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in SHOWN)
    return (
        "# Results\n\n"
        "Written by `make bench`: everything in one run on one machine. Trust the ratios; times differ by machine.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores "
        f"({platform.machine()}), {packages}.\n"
    )


def _say(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
