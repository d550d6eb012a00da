"""Parameters: the science, as one YAML file per stage, read into the stage's frozen model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from churn.errors import UsageError

Parameters = TypeVar("Parameters", bound=BaseModel)


def read_parameter_file(
    path: Path, kind: type[Parameters], overrides: Mapping[str, object] | None = None
) -> Parameters:
    """Read a file of parameters; overrides that are not None win.

    Raises:
        UsageError: a value does not fit, with its name.
    """
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError(f"the parameters of {path.stem} do not hold: {problems}") from error
