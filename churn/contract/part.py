"""A part of a contract: what all parts share, and the names and bounds that they hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LARGEST_NUMBER = 1e30
"""Beyond it nothing is a customer's number, and the graph, which computes in float32, would come near infinity."""

ColumnName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Bound = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class Part(BaseModel):
    """Base of all parts of a contract: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
