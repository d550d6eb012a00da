import numpy as np
import pytest

from churn.evaluation.plots import plots


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("rows", [20, 500])
def test_every_picture_can_be_saved(tmp_path_factory: pytest.TempPathFactory, rows: int, threshold: float) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("plots")

    pictures = plots(rng.integers(0, 2, rows), rng.random(rows).round(2), threshold)

    assert set(pictures) == {"roc", "precision_recall", "calibration", "lift", "threshold"}
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert figure.axes[0].get_title()
        assert figure.axes[0].get_xlabel()


def test_equal_scores_still_make_pictures() -> None:
    assert len(plots(np.array([0, 1] * 20), np.full(40, 0.5), 0.5)) == 5
