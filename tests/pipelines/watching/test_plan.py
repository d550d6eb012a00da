from pathlib import Path

import pytest

from churn.errors import UsageError
from pipelines.releasing.plan import read_plan


def written(folder: Path, text: str) -> Path:
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    return folder / "plan.yaml"


def test_the_usual_plan_goes_by_shadow_and_two_canaries() -> None:
    plan = read_plan()

    assert plan.stages == ("shadow", "canary-1", "canary-2", "promote", "watch")
    assert plan.canary_of("canary-2").share == 0.25


def test_blue_green_is_a_plan_of_one_canary_for_everybody(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, "shadow: null\ncanary: [{share: 1.0, seconds: 60}]\n"))

    assert plan.stages == ("canary-1", "promote", "watch")


def test_a_plan_may_leave_out_everything_but_the_gate_and_the_watch(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, "shadow: null\ncanary: []\nwatch: {seconds: 20}\n"))

    assert plan.stages == ("promote", "watch")
    assert (plan.watch.seconds, plan.watch.max_slow_ratio) == (20, 3)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("canary: [{share: 0.5}, {share: 0.1}]", "the canary's shares fall"),
        ("canary: [{share: 0}]", "canary.0.share"),
        ("shadow: {seconds: 100, at_most_seconds: 10}", "could never pass"),
        ("canray: []", "canray"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        read_plan(written(tmp_path, text))


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: FileNotFoundError"):
        read_plan(tmp_path / "no.yaml")
