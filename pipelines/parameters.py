"""The science: one YAML file per stage, read into the stage's frozen parameters."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from churn.errors import UsageError

FOLDER = Path(__file__).parent / "parameters"
Parameters = TypeVar("Parameters", bound=BaseModel)


def read_parameters(stage: str, kind: type[Parameters], **overrides: Any) -> Parameters:
    """Read `parameters/<stage>.yaml`; overrides that are not None win.

    Raises:
        UsageError: a value does not fit, with its name.
    """
    values = yaml.safe_load((FOLDER / f"{stage}.yaml").read_text(encoding="utf-8")) or {}
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError(f"the parameters of {stage} do not hold: {problems}") from error
