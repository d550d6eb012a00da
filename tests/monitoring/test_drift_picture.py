"""The picture of a drift run."""

import numpy as np

from monitoring.comparing import Compared
from monitoring.drift_picture import draw_drift
from monitoring.measures import PSI, Measure

PNG = b"\x89PNG\r\n\x1a\n"


def test_any_text_is_drawn_as_it_is() -> None:
    """Neither formulas nor scripts that the font lacks stop it."""
    names = ["$\\frac{", "价格", "</script>", "x" * 200, "$a$"]
    labels = np.array([*names, "(missing)"] * 5, dtype=object)
    measures = tuple(Measure(name, PSI, 0.1 * place, 0.1) for place, name in enumerate(names))
    compared = Compared(measures, dict.fromkeys(names, labels), dict.fromkeys(names, labels[:4]), (), {})

    picture = draw_drift(compared)

    assert picture.startswith(PNG)
    assert len(picture) < 100_000
