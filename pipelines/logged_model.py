"""A bundle as an MLflow model: usable by `mlflow models serve`, pyfunc and Spark, and never pickled."""

from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from churn.contract.contract import Contract
from churn.stores import pyfunc_model

NAME = "model"
REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas")


def log_bundle(folder: Path, contract: Contract) -> str:
    """Log a sealed bundle in the active run and return the model's address, `models:/m-…`.

    Args:
        folder: must be called `bundle`: mlflow keeps its name, and the registry fetches by it.
        contract: what the model's inputs are.
    """
    logged = mlflow.pyfunc.log_model(
        name=NAME,
        python_model=pyfunc_model.__file__,
        artifacts={"bundle": str(folder)},
        signature=signature_of(contract),
        input_example=_example(contract),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
    mlflow.set_tag("model_uri", logged.model_uri)
    return str(logged.model_uri)


def signature_of(contract: Contract) -> ModelSignature:
    """Declare every number as double (an integer column refuses NaN in MLflow), every category as string."""
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec("double" if column.is_numeric else "string", name, required=column.required)
        for name, column in contract.columns.items()
    ]
    outputs: list[ColSpec | TensorSpec] = [ColSpec("double", "churn_probability"), ColSpec("long", "churn_prediction")]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _example(contract: Contract) -> pd.DataFrame:
    typed = {
        name: float(value) if contract.columns[name].is_numeric else value for name, value in contract.example.items()
    }
    return pd.DataFrame([typed])
