from pathlib import Path

import numpy as np
import pytest

from churn.evaluation.campaign import plan_campaign
from churn.evaluation.money_plots import money_plots
from churn.evaluation.scored import Scored
from tests.churn.evaluation.scores import TEXTBOOK, true_scores

ODD = {
    "many customers": true_scores(400, seed=1),
    "worthless customers": true_scores(60, seed=2, value=0),
    "equal scores": Scored(np.tile([0.0, 1.0], 20), np.full(40, 0.5), np.full(40, 200.0)),
    "nobody left": Scored(np.zeros(30), np.linspace(0, 1, 30), np.full(30, 200.0)),
}


@pytest.mark.parametrize("kind", ODD)
def test_every_picture_can_be_saved(kind: str, tmp_path: Path) -> None:
    campaign = plan_campaign(ODD[kind], TEXTBOOK, 0.3)

    pictures = money_plots(campaign, ODD[kind])

    assert set(pictures) == {"profit_by_size", "profit_by_threshold", "profit_yardsticks", "profit_sensitivity"}
    for name, figure in pictures.items():
        figure.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert figure.axes[0].get_title()
        assert "USD" in figure.axes[0].get_xlabel() + figure.axes[0].get_ylabel()


def test_the_picture_of_sizes_ends_at_contact_all() -> None:
    scored = ODD["many customers"]
    campaign = plan_campaign(scored, TEXTBOOK, 0.3)

    figure = money_plots(campaign, scored)["profit_by_size"]

    labels = figure.axes[0].get_legend_handles_labels()[1]
    everybody = {way.name: way for way in campaign.yardsticks}["contact all"]
    assert f"contact all: {everybody.profit:.2f}" in labels
