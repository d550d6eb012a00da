"""The newest training: the contract and the table that it was made from, so that another can follow it."""

from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

import mlflow
import orjson
from mlflow.entities import Run

from churn.contract.contract import Contract
from churn.contract.reading import parse_contract
from churn.errors import UsageError

OURS = "train."
REPEATED = ("trials", "timeout_minutes", "candidates", "search_folds", "folds", "seed")


def contract_of(run: Run) -> Contract:
    """Return the contract that a training was made with."""
    return parse_contract(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/contract.yaml"), "the newest contract")


def table_of(run: Run) -> Path:
    """Return the raw table that a training was made from.

    Raises:
        UsageError: it is not on this machine any more.
    """
    sources = [one.dataset.source for one in run.inputs.dataset_inputs] if run.inputs else []
    uri = str(orjson.loads(sources[0]).get("uri", "")) if sources else ""
    path = Path(unquote(urlparse(uri).path))
    if not uri.startswith("file:") or not path.is_file():
        raise UsageError("the newest training's table is not on this machine any more: name one")
    return path


def parameters_of(run: Run) -> Mapping[str, object]:
    """Return what a training was told to try, so that the next is told the same."""
    logged = {name: run.data.params[OURS + name] for name in REPEATED if OURS + name in run.data.params}
    return {name: literal_eval(text) for name, text in logged.items()}
