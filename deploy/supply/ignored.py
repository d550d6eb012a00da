"""Findings that were judged and are not mended: deploy/scan-ignored.yaml."""

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, Field, ValidationError

from churn.errors import UsageError


class Ignored(BaseModel, frozen=True, extra="forbid"):
    """One judgement; it ends after `until`, and has to be made again."""

    id: str = Field(min_length=5)
    package: str = Field(min_length=1)
    reason: str = Field(min_length=15)
    until: date


class IgnoredFile(BaseModel, frozen=True, extra="forbid"):
    """The file."""

    ignored: tuple[Ignored, ...]


def read_ignored(path: Path) -> tuple[Ignored, ...]:
    """Return the judgements.

    Raises:
        UsageError: the file is not there, or an entry lacks its reason or its day.
    """
    try:
        return IgnoredFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).ignored
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}; a file without entries says `ignored: []`"
        ) from error
    except (yaml.YAMLError, ValidationError) as error:
        raise UsageError(f"{path} does not hold: {' '.join(str(error).split())[:400]}") from error
