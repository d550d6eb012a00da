import numpy as np

from benchmarks.promotion.watch import World, first_called_off, section
from pipelines.watching.parameters import WatchParameters

SHORT = WatchParameters(seconds=60)


def test_usual_noise_is_let_be_and_a_release_that_fails_is_called_off_within_seconds() -> None:
    rng = np.random.default_rng(5)

    good = [first_called_off(World(20), SHORT, rng) for _ in range(5)]
    bad = [first_called_off(World(20, failing=0.5), SHORT, rng) for _ in range(5)]

    assert good == [None] * 5
    assert all(seconds is not None and seconds <= 5 for seconds in bad)


def test_the_section_has_both_tables() -> None:
    text = section(WatchParameters(seconds=10), 1, seed=3)

    assert "| usual noise, 20 a second | 0 of 1 |" in text
    assert "| fails for everybody |" in text
