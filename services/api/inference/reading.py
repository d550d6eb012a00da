"""Reading a request: its JSON, the bytes after it, and the customers that its tensors make."""

import math
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from churn.contract.column import Column
from churn.contract.contract import Contract
from services.api.inference.models import DATATYPES, OUTPUTS, InferenceRequest
from services.api.inference.tensors import Binary, Tensor, values_of
from services.api.problems import field_faults


def split_body(body: bytes, length: bytes | None) -> tuple[bytes, Binary]:
    """Divide a body into its JSON and what follows it.

    Args:
        body: all of it.
        length: how much of it is JSON, as the client wrote it; None: all.

    Raises:
        HTTPException: 400, it is not so long.
    """
    if length is None:
        return body, Binary(b"")
    if not length.isdigit() or int(length[:18]) > len(body):
        raise HTTPException(400, "Inference-Header-Content-Length is no length within the body")
    return body[: int(length)], Binary(body[int(length) :])


def read_request(head: bytes) -> InferenceRequest:
    """Read the JSON; Python's clients write NaN into it, so that is read here, as no value.

    Raises:
        HTTPException: 400, it is no request.
    """
    try:
        return InferenceRequest.model_validate(from_json(head, allow_inf_nan=True))
    except ValidationError as error:
        raise HTTPException(400, f"the request does not hold: {'; '.join(field_faults(error))}") from error
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error


def outputs_of(wanted: InferenceRequest) -> dict[str, bool]:
    """Return the names of the outputs, and whether each follows the JSON as bytes.

    Raises:
        HTTPException: 400, there is no such output.
    """
    if not wanted.outputs:
        return dict.fromkeys(OUTPUTS, wanted.parameters.get("binary_data_output") is True)
    unknown = [each.name[:100] for each in wanted.outputs if each.name not in OUTPUTS]
    if unknown:
        raise HTTPException(400, f"there is no output {unknown[0]!r}: {', '.join(OUTPUTS)}")
    return {each.name: each.parameters.get("binary_data") is True for each in wanted.outputs}


def rows_of(contract: Contract, tensors: Sequence[Tensor], binary: Binary, *, most: int) -> list[dict[str, object]]:
    """Turn columns into customers as POST /predict takes them.

    Raises:
        HTTPException: 400, the tensors are not columns of a table; 413, it has more than `most` rows.
    """
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise HTTPException(400, "an input is there twice")
    if len({tensor.shape[0] for tensor in tensors}) > 1:
        raise HTTPException(400, "the inputs differ in their number of rows")
    if tensors[0].shape[0] > most:
        raise HTTPException(413, f"the request has more than {most:,} rows: split it, or send a file as a job")
    columns = [_cells(contract.columns.get(tensor.name), tensor, binary) for tensor in tensors]
    binary.require_all_taken()
    names = [tensor.name for tensor in tensors]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _cells(column: Column | None, tensor: Tensor, binary: Binary) -> list[object]:
    """Return a tensor's values as POST /predict takes them."""
    values = values_of(tensor, binary)
    is_text = tensor.datatype == "BYTES"
    if column is not None and column.is_numeric == is_text and (is_text or tensor.datatype.startswith("FP")):
        raise HTTPException(400, f"the input {tensor.name!r} takes {DATATYPES[column.type]}, not {tensor.datatype}")
    if is_text:
        return [value or None for value in values]
    return [_number(value, row, tensor) for row, value in enumerate(values, start=1)]


def _number(value: Any, row: int, tensor: Tensor) -> object:
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, int) or math.isinf(value):  # an integer here is beyond 64 bits
        raise HTTPException(400, f"nothing was scored: row {row}: {tensor.name[:100]}: must be a finite number")
    return value
