"""A company that nobody prepared for: its own table, one drafted contract, no change of code, a served model."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from churn.contract.reading import load_contract
from churn.settings import environment_for_children
from cli.demo.processes import Processes, free_port

ROOT = Path(__file__).parents[2]
ROWS = 1500
HEADER = [
    "Kunden-Nr",
    "E-Mail",
    "Straße",
    "Jahre Kunde",
    "Abschlag (EUR/Monat)",
    "Tarif",
    "Beschwerden",
    "Online-Konto",
    "Land",
    "Kündigungsgrund",
    "Gekündigt",
]


@dataclass(frozen=True, slots=True)
class Company:
    """A home, what it printed, and the door that serves it."""

    home: Path
    table: Path
    contract: Path
    processes: Processes
    door: str

    def churn(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env=dict(self.processes.environment),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    home = tmp_path_factory.mktemp("strom")
    environment = environment_for_children(CHURN_HOME=str(home), CHURN_MODEL="strom")
    processes = Processes(home / "logs", environment)
    port = free_port(0)
    made = Company(home, home / "kunden.csv", home / "strom.yaml", processes, f"http://127.0.0.1:{port}")
    write_table(made.table)
    try:
        steps = (
            ["contract", "infer", str(made.table), "--target", "Gekündigt", "--out", str(made.contract)],
            ["contract", "check", str(made.contract), "--data", str(made.table)],
            ["ring", "--contract", str(made.contract), "--data", str(made.table), "--trials", "2"],
        )
        for step in steps:
            done = made.churn(*step)
            assert done.returncode == 0, (step, done.stderr)
        processes.start("fastapi", ["cli.main", "serve", "--door", "fastapi", "--port", str(port)])
        processes.wait_for("fastapi", f"{made.door}/readyz", 60)
        yield made
    finally:
        processes.stop()


def write_table(path: Path) -> None:
    """Customers of an electricity company: German headers, semicolons, Windows-1252, `?` for missing, a leak."""
    rng = np.random.default_rng(11)
    years = rng.gamma(2, 3, ROWS).round(1)
    price = rng.normal(65, 20, ROWS).clip(12).round(2)
    tariff = rng.choice(["Grundversorgung", "Ökostrom", "Großkunde", "Wärme & Strom"], ROWS, p=[0.5, 0.3, 0.1, 0.1])
    complaints = rng.poisson(0.6, ROWS)
    online = rng.random(ROWS) < 0.5
    log_odds = -1.6 - 0.25 * years + 0.02 * (price - 65) + 0.7 * complaints + 0.8 * (tariff == "Grundversorgung")
    left = rng.random(ROWS) < 1 / (1 + np.exp(-log_odds))
    with path.open("w", encoding="cp1252", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(HEADER)
        for row in range(ROWS):
            writer.writerow(
                [
                    f"{row + 700:06d}",
                    f"kunde{row}@beispiel.de",
                    f"Hauptstraße {row}",
                    "?" if rng.random() < 0.04 else years[row],
                    price[row],
                    "" if rng.random() < 0.03 else tariff[row],
                    complaints[row],
                    str(bool(online[row])),
                    "DE",
                    ["Preis", "Umzug"][row % 2] if left[row] else "",
                    "ja" if left[row] else "nein",
                ]
            )


@pytest.mark.slow
def test_its_draft_knows_the_id_the_leak_and_what_says_nothing(company: Company) -> None:
    contract = load_contract(company.contract)

    assert contract.customer_id == "Kunden-Nr"
    assert "Kündigungsgrund" in contract.leaking
    assert {"E-Mail", "Straße", "Land"} <= set(contract.ignored)
    assert contract.columns["Jahre Kunde"].type == "number"
    assert set(contract.columns["Tarif"].categories) == {"Grundversorgung", "Ökostrom", "Großkunde", "Wärme & Strom"}


@pytest.mark.slow
def test_its_customers_are_scored_at_the_door(company: Company) -> None:
    at_risk = {"Jahre Kunde": 0.5, "Abschlag (EUR/Monat)": 110.0, "Tarif": "Grundversorgung", "Beschwerden": 3}
    loyal = {"Jahre Kunde": 15.0, "Abschlag (EUR/Monat)": 40.0, "Tarif": "Ökostrom", "Beschwerden": 0}

    answers = [httpx.post(f"{company.door}/predict", json=one, timeout=10).json() for one in (at_risk, loyal)]

    assert answers[0]["churn_probability"] > 0.5
    assert answers[1]["churn_probability"] < 0.15
    assert "Online-Konto" in answers[0]["missing_columns"]


@pytest.mark.slow
def test_its_documentation_shows_an_example_that_works(company: Company) -> None:
    page = httpx.get(f"{company.door}/openapi.json", timeout=10).json()
    example = json.loads(json.dumps(page))["components"]["schemas"]["Customer"]["example"]

    assert httpx.post(f"{company.door}/predict", json=example, timeout=10).status_code == httpx.codes.OK


@pytest.mark.slow
def test_its_own_file_is_scored_into_a_file(company: Company) -> None:
    done = company.churn("score", "--input", str(company.table), "--output", str(company.home / "scores.csv"))

    with (company.home / "scores.csv").open(encoding="utf-8", newline="") as stream:
        scores = list(csv.DictReader(stream))
    assert done.returncode == 0, done.stderr
    assert len(scores) == ROWS
    assert scores[0]["customer_id"] == "000700"
