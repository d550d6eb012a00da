from pathlib import Path

import numpy as np

from churn.evaluation.survival_plots import calibration_plot, curves_plot
from churn.retention.curves import curves_of
from churn.retention.survival import Stays
from churn.retention.survival_study import Calibrated


def test_curves_and_calibration_can_be_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stays = Stays(rng.exponential(9, 400), rng.integers(0, 2, 400).astype(np.int8), np.zeros(400))
    curves = curves_of(stays, rng.choice(np.array(["one", "two"], object), 400))
    rows = [Calibrated(month, share, share, share - 0.1, share + 0.1) for month in (6.0, 12.0) for share in (0.2, 0.8)]

    for name, figure in {"curves": curves_plot(curves), "calibration": calibration_plot(rows)}.items():
        figure.savefig(tmp_path / f"{name}.png")
        assert figure.axes[0].get_title()
        assert len(figure.axes[0].get_lines()) >= 2
