"""MLflow's view of a bundle, for `mlflow models serve`, `mlflow.pyfunc.load_model` and `spark_udf`.

Logged as code ("models from code"), so nothing is pickled. It stands alone on purpose: it travels inside the logged
model and must load where this project is not installed. The project's own doors never run it.
"""

import json
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251  this file travels alone; the import would tell
import onnxruntime


class BundleModel(PythonModel):
    """Scores a frame of raw contract columns; columns that are absent count as missing."""

    def load_context(self, context: Any) -> None:
        """Load the graph and the policy."""
        folder = Path(context.artifacts["bundle"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), options)
        self.policy = json.loads((folder / "policy.json").read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return churn_probability (0-1) and churn_prediction (0 or 1) per row."""
        del context, params
        feed = {one.name: self._tensor(one, model_input) for one in self.session.get_inputs()}
        probability = np.asarray(self.session.run(None, feed)[0], dtype=np.float64)
        prediction = (probability >= self.policy["threshold"]).astype(np.int64)
        return pd.DataFrame({"churn_probability": probability, "churn_prediction": prediction})

    @staticmethod
    def _tensor(declared: Any, frame: pd.DataFrame) -> np.ndarray:
        is_text = declared.type == "tensor(string)"
        if declared.name not in frame:
            return np.full((len(frame), 1), "" if is_text else np.nan, dtype=object if is_text else np.float32)
        column = frame[declared.name]
        if is_text:
            texts = column.astype(object).where(column.notna(), "").astype(str)
            return np.asarray(texts, dtype=object).reshape(-1, 1)
        return np.asarray(pd.to_numeric(column), dtype=np.float32).reshape(-1, 1)


mlflow.models.set_model(BundleModel())
