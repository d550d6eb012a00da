"""True labels: read from a table, and compared with those of a proxy."""

from pathlib import Path

import numpy as np
import pytest

from churn.errors import TableError
from churn.labels.truth import agreement, read_truth

NAMES = np.array([f"c{number}" for number in range(40)], object)


def test_true_labels_are_read_and_an_empty_one_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("who,left\n007,Yes\n8,No\n9,\n")

    truth = read_truth(tmp_path / "truth.csv", customer="who", column="left", positive="Yes")

    assert truth == {"007": True, "8": False}


@pytest.mark.parametrize(
    ("column", "positive", "fault"),
    [("gone", "Yes", "no column 'gone'; it has 'who', 'left'"), ("left", "1", "nobody has '1' in column 'left'")],
)
def test_true_labels_that_are_not_there_are_refused(tmp_path: Path, column: str, positive: str, fault: str) -> None:
    (tmp_path / "truth.csv").write_text("who,left\na,Yes\n")

    with pytest.raises(TableError, match=fault):
        read_truth(tmp_path / "truth.csv", customer="who", column=column, positive=positive)


def test_agreement_is_that_of_the_confusion_table() -> None:
    proxy = np.array([1] * 20 + [0] * 20)
    truth = {name: number < 15 or number >= 35 for number, name in enumerate(NAMES)}

    found = agreement(NAMES, proxy, truth)

    assert (found.customers, found.precision, found.recall) == (40, 0.75, 0.75)
    assert found.kappa == pytest.approx(0.5)


def test_labels_of_one_kind_agree_no_better_than_chance() -> None:
    found = agreement(NAMES, np.ones(40), dict.fromkeys(NAMES, True))

    assert found.kappa == 0


def test_ids_that_do_not_meet_are_refused() -> None:
    with pytest.raises(TableError, match=r"0 labelled customers have a true label.*written alike"):
        agreement(NAMES, np.ones(40), {f"0{name}": True for name in NAMES})
