"""Freeze what NannyML estimates before outcomes arrive, for the test that compares ours with it.

NannyML 0.13.1 can't live beside our libraries, so it gets an environment of its own:

    NML_DISABLE_USAGE_LOGGING=1 DO_NOT_TRACK=1 uv run --no-project --isolated --python 3.11 \
        --with nannyml==0.13.1 --with statsmodels python benchmarks/eyes/nannyml_oracle.py

Each case has customers of its own and a reference of 20,000 calibrated ones. NannyML's recalibration on it is
switched off after the fit: our probabilities are calibrated when they are trained.
"""

import json
import warnings
from pathlib import Path

FROZEN = Path(__file__).with_name("nannyml_oracle.json")
ROWS, REFERENCE_ROWS, THRESHOLD = 400, 20_000, 0.3
MEASURES = ("roc_auc", "average_precision", "precision", "recall", "f1")
CASES = {"like the reference": (-1.3, 1.4), "easier": (-1.0, 2.2), "harder": (-1.5, 0.7), "rare": (-3.0, 1.2)}
"""Mean and spread of the customers' log-odds."""


def main() -> None:
    import numpy as np

    rng = np.random.default_rng(7)
    found = {name: _estimated(rng, *shape) for name, shape in CASES.items()}
    FROZEN.write_text(json.dumps({"nannyml": _version(), "threshold": THRESHOLD, "cases": found}, indent=1) + "\n")
    print(f"written to {FROZEN}")


def _estimated(rng, mean: float, spread: float) -> dict[str, object]:  # type: ignore[no-untyped-def]
    import nannyml
    import numpy as np
    import pandas as pd

    def customers(rows: int) -> "pd.DataFrame":
        probability = np.round(1 / (1 + np.exp(-rng.normal(mean, spread, rows))), 4)
        return pd.DataFrame(
            {
                "probability": probability,
                "at_risk": (probability >= THRESHOLD).astype(int),
                "left": (rng.random(rows) < probability).astype(int),
            }
        )

    reference, live = customers(REFERENCE_ROWS), customers(ROWS)
    estimator = nannyml.CBPE(
        metrics=list(MEASURES),
        problem_type="classification_binary",
        y_pred_proba="probability",
        y_pred="at_risk",
        y_true="left",
        chunk_size=ROWS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(reference)
        estimator.needs_calibration = False
        table = estimator.estimate(live.drop(columns="left")).filter(period="analysis").to_df()
    return {
        "probabilities": live["probability"].tolist(),
        "estimates": {name: float(table[name]["value"].iloc[0]) for name in MEASURES},
    }


def _version() -> str:
    from importlib.metadata import version

    return version("nannyml")


if __name__ == "__main__":
    main()
