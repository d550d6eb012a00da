"""The parameters of the pipelines' stages, in `parameters/<stage>.yaml`."""

from pathlib import Path
from typing import Any

from churn.parameters import Parameters, read_parameter_file

FOLDER = Path(__file__).parent / "parameters"


def read_parameters(stage: str, kind: type[Parameters], **overrides: Any) -> Parameters:
    """Read `parameters/<stage>.yaml`; overrides that are not None win.

    Raises:
        UsageError: a value does not fit, with its name.
    """
    return read_parameter_file(FOLDER / f"{stage}.yaml", kind, overrides)
