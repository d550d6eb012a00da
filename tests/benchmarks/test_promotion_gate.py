import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.promotion import gate as command
from benchmarks.promotion import gate_interval
from benchmarks.promotion.gate import Versions, run, run_fixed, trained_pair, versions
from benchmarks.promotion.gate_world import Population, population
from churn.evaluation.gate import Gate
from pipelines.parameters import read_parameters

PEOPLE = 20_000


@pytest.fixture(scope="module")
def people() -> Population:
    return population(PEOPLE)


@pytest.fixture(scope="module")
def made(people: Population) -> Versions:
    return versions(people)


def test_what_is_measured_is_the_gate_that_is_shipped() -> None:
    assert read_parameters("gate", Gate) == command.GATE


def test_of_a_hundred_equals_chance_promotes_hardly_one_and_a_point_estimate_gate_half(
    people: Population, made: Versions
) -> None:
    found = run_fixed(made.equal, made.best, 100, people, sizes=(1_000,), seed=1)[1_000]

    assert found.decisions["promote"] <= 5
    assert found.decisions["reject"] <= 8
    assert 35 <= found.by_point <= 65
    assert found.held >= 90


def test_the_same_training_with_another_seed_is_held(people: Population) -> None:
    found = run(trained_pair("seed", people), 8, people, sizes=(1_000,), seed=2)[1_000]

    assert found.decisions["promote"] <= 1
    assert 1 <= found.by_point <= 7


def test_a_version_that_truly_earns_a_tenth_more_is_found(people: Population, made: Versions) -> None:
    found = run_fixed(made.best, made.worse[10], 20, people, sizes=(5_000,), seed=3)[5_000]

    assert found.decisions["promote"] >= 17
    assert found.decisions["reject"] <= 1


def test_versions_truly_differ_as_they_are_said_to(people: Population, made: Versions) -> None:
    best = people.true_profit(made.best, 0.2)

    for percent, worse in made.worse.items():
        assert best / people.true_profit(worse, 0.2) == pytest.approx(1 + percent / 100, abs=0.002)


def test_every_table_is_written_between_its_markers(
    people: Population, made: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\n## Another\n", encoding="utf-8")
    monkeypatch.setattr(command, "SIZES", (200,))
    monkeypatch.setattr(command, "population", lambda: people)
    monkeypatch.setattr(command, "versions", lambda _: made)
    monkeypatch.setattr(sys, "argv", ["gate", "--trials", "1", "--results", str(page)])

    command.main()

    written = page.read_text(encoding="utf-8")
    assert written.startswith("# Results\n\n## Another\n")
    assert written.count("### ") == 5
    assert "promotion: gate: end" in written


def test_an_interval_that_takes_campaigns_for_settled_is_wider(
    people: Population, made: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_interval, "population", lambda: people)
    rng = np.random.default_rng(4)

    found = [gate_interval.both((made.best, made.equal), 0.1, 1_000, rng) for _ in range(20)]

    assert np.mean([ours.error / settled.error for ours, settled in found]) < 0.85


def test_the_table_of_intervals_has_a_line_for_each_campaign_and_size(
    people: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_interval, "population", lambda: people)
    monkeypatch.setattr(gate_interval, "BETTER", (0,))

    assert len(list(gate_interval.coverage(1))) == 2 + 3 * 3
