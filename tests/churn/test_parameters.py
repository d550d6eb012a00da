"""Parameters are read from YAML, and what does not fit is named."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from churn.errors import UsageError
from churn.parameters import read_parameter_file


class Bake(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(default=30, gt=0)
    heat: str = "gentle"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bake.yaml"


def test_an_override_wins_unless_it_is_none(file: Path) -> None:
    file.write_text("minutes: 20\n")

    assert read_parameter_file(file, Bake, {"minutes": None, "heat": "fierce"}) == Bake(minutes=20, heat="fierce")


def test_an_empty_file_leaves_the_defaults(file: Path) -> None:
    file.write_text("# nothing\n")

    assert read_parameter_file(file, Bake) == Bake()


def test_everything_that_does_not_fit_is_named_at_once(file: Path) -> None:
    file.write_text("minutes: -1\nheated: fierce\n")

    with pytest.raises(UsageError, match=r"the parameters of bake do not hold: minutes: .*; heated: .*"):
        read_parameter_file(file, Bake)
