"""What a canary costs a door: `python -m benchmarks.promotion.canary [--before CHECKOUT]`.

Sixteen requests at a time go through the whole application (front, validation, scoring, recording) in one process,
without a network, and their processor time is counted: what a canary adds is a larger part of that than of what a
client sees. Each way has a process of its own; rounds are interleaved, and each figure is the median of its rounds.
Lean is `?explain=false`. The model is a logistic regression, the quickest there is. `--before` names a checkout of the
project as it was before there were canaries.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.results import RESULTS, replace_section

ROOT = Path(__file__).parents[2]
SECTION = "promotion: canary"
AT_ONCE = 16
REQUESTS = 2_000
ROUNDS = 9
WARM = 320
PATHS = {"lean": "/predict?explain=false", "with reasons": "/predict"}
SHARES = {"no canary": None, "a canary for 10 %": 0.1, "a canary for 50 %": 0.5, "a canary for 100 %": 1.0}
BEFORE = "before there were canaries"
Figures = dict[tuple[str, str], float]
"""Microseconds of processor time per request, by way and by what is asked."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="checkout of the project before there were canaries")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.ask:
        print(json.dumps(seconds_of(asked.ask, asked.requests)))
        return
    with TemporaryDirectory() as scratch:
        figures = measure(Path(scratch), before=asked.before, requests=asked.requests, rounds=asked.rounds)
    page = asked.output.read_text("utf-8") if asked.output.exists() else ""
    asked.output.write_text(replace_section(page, SECTION, markdown(figures)), encoding="utf-8")


def measure(scratch: Path, *, before: Path | None, requests: int, rounds: int) -> Figures:
    """Return the median of each way's rounds."""
    ways = {name: (_home(scratch / str(place), share), ROOT) for place, (name, share) in enumerate(SHARES.items())}
    if before is not None:
        ways[BEFORE] = (_home(scratch / "before", None), before)
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for name, (home, code) in ways.items():
            for asked, micros in _run(home, code, requests).items():
                found.setdefault((name, asked), []).append(micros)
    return {key: median(each) for key, each in found.items()}


def markdown(figures: Figures) -> str:
    """Return the section."""
    base = BEFORE if (BEFORE, "lean") in figures else "no canary"
    names = sorted({name for name, _ in figures}, key=[BEFORE, *SHARES].index)
    rows = [
        f"| {name} | " + " | ".join(
            f"{figures[name, asked]:.0f} µs | {figures[base, asked] / figures[name, asked]:.2f}" for asked in PATHS
        ) + " |"
        for name in names
    ]  # fmt: skip
    head = "| | " + " | ".join(f"{asked} | throughput" for asked in PATHS) + " |"
    rule = "|---|" + "---|" * (2 * len(PATHS))
    return "\n".join(["## Promotion: what a canary costs a door\n", (__doc__ or "").strip(), "", head, rule, *rows])


def seconds_of(home: Path, requests: int) -> dict[str, float]:
    """Open an application at a home and return its microseconds per request, by what is asked."""
    from services.api.app import create_app
    from services.settings import ServiceSettings
    from services.worker import Worker

    settings = ServiceSettings(home=home, attended=False, follow_seconds=3600, predict_per_minute=0)
    worker = Worker("fastapi", settings).open()
    app = create_app(worker, owns_worker=False)
    example = worker.live.require().scorer.contract.example
    bodies = [json.dumps({**example, "customerID": f"c-{number}"}).encode() for number in range(512)]
    try:
        return {name: asyncio.run(_time(app, path, bodies, requests)) for name, path in PATHS.items()}
    finally:
        worker.close()


async def _time(app, path, bodies, requests) -> float:  # type: ignore[no-untyped-def]
    await _ask_all(app, path, bodies, WARM)
    began = process_time()
    await _ask_all(app, path, bodies, requests)
    return (process_time() - began) / requests * 1e6


async def _ask_all(app, path, bodies, requests) -> None:  # type: ignore[no-untyped-def]
    for begin in range(0, requests, AT_ONCE):
        some = range(begin, begin + AT_ONCE)
        statuses = await asyncio.gather(*(_ask(app, path, bodies[number % len(bodies)]) for number in some))
        assert set(statuses) == {200}, statuses


async def _ask(app, path, body) -> int:  # type: ignore[no-untyped-def]
    place, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": place, "raw_path": place.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    found: list[int] = []

    async def receive():  # type: ignore[no-untyped-def]
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message) -> None:  # type: ignore[no-untyped-def]
        if message["type"] == "http.response.start":
            found.append(message["status"])

    await app(scope, receive, send)
    return found[0]


def _run(home: Path, code: Path, requests: int) -> dict[str, float]:
    """Measure in a process of its own, with the code of a checkout."""
    from churn.settings import environment_for_children

    command = [sys.executable, str(Path(__file__)), "--ask", str(home), "--requests", str(requests)]
    environment = environment_for_children(PYTHONPATH=str(code), OMP_NUM_THREADS="1")
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=code)
    shutil.rmtree(home / "spool", ignore_errors=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _home(folder: Path, share: float | None) -> Path:
    """Return a home with version 1 in production, and version 2 as the canary for a share."""
    from churn.bundle.files import DecisionPolicy
    from churn.bundle.making import Ingredients, make_bundle
    from churn.contract.reading import load_contract
    from churn.contract.table import check_table, check_target
    from churn.data.sampler import sample_telco
    from churn.features.frame import raw_frame
    from churn.models.calibration import CalibratedPipeline
    from churn.models.candidate import Recipe
    from churn.models.candidates import CANDIDATES
    from services.exchange import CanaryPointer, Pointer, write_note
    from services.settings import ServiceSettings

    contract = load_contract(ROOT / "contracts" / "telco.yaml")
    settings = ServiceSettings(home=folder)
    digests = []
    for seed in (1, 2):
        raw = sample_telco(1_500, seed=seed)
        columns, (target, _) = check_table(contract, raw).columns, check_target(contract, raw)
        recipe = Recipe(contract, CANDIDATES["logistic"].defaults, seed)
        fitted = CalibratedPipeline(CANDIDATES["logistic"].build(recipe), folds=3, seed=seed)
        made_of = Ingredients(
            contract=contract, candidate="logistic", fitted=fitted.fit(raw_frame(columns), target),
            policy=DecisionPolicy(threshold=0.3, high_risk_from=0.6), evaluation=columns, reference=columns,
            training_data_sha256="0" * 64, card="# Made for a measurement\n",
        )  # fmt: skip
        draft = settings.bundle_folder / f"draft-{seed}"
        digests.append(make_bundle(draft, made_of)[0])
        draft.rename(settings.bundle_folder / digests[-1])
    write_note(Pointer(name=settings.model, version=1, digest=digests[0]), settings.pointer_file)
    if share is not None:
        beside = CanaryPointer(name=settings.model, version=2, digest=digests[1], share=share, salt="salt")
        write_note(beside, settings.canary_file)
    return folder


if __name__ == "__main__":
    main()
