"""Tensors of the Open Inference Protocol: one per column, as JSON or as the bytes that follow it."""

import struct
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]
NUMPY: dict[str, str] = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
BINARY_SIZE = "binary_data_size"


class Tensor(BaseModel):
    """One column's values; FP NaN, JSON null and an empty text stand for no value."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=2, description="[rows] or [rows, 1]")
    datatype: Datatype
    parameters: dict[str, Any] = Field(default={}, description="Only `binary_data_size` is read.")
    data: list[Any] | None = None


class TensorOut(BaseModel):
    """One output's values."""

    name: str
    shape: list[int]
    datatype: Datatype
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


def values_of(tensor: Tensor, binary: "Binary") -> list[object]:
    """Return one value per row; missing ones as None.

    Raises:
        HTTPException: 400, the tensor is not what it says.
    """
    rows = tensor.shape[0]
    if rows < 1 or tensor.shape[1:] not in ([], [1]):
        raise _refusal(tensor, f"has the shape {tensor.shape}: [rows] or [rows, 1] is needed")
    values = _json_values(tensor) if BINARY_SIZE not in tensor.parameters else binary.take(tensor)
    if len(values) != rows:
        raise _refusal(tensor, f"has {len(values)} values, and its shape says {rows}")
    return values


class Binary:
    """The bytes after the JSON: those of each tensor, in the order of the tensors."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0

    def take(self, tensor: Tensor) -> list[object]:
        """Return the values of the next tensor.

        Raises:
            HTTPException: 400, there are not as many bytes as it says, or they are no such values.
        """
        size = tensor.parameters[BINARY_SIZE]
        if not isinstance(size, int) or not 0 <= size <= len(self._content) - self._at or tensor.data is not None:
            raise _refusal(tensor, f"has a `{BINARY_SIZE}` that does not fit the body")
        raw = self._content[self._at : self._at + size]
        self._at += size
        try:
            return list(_texts(raw)) if tensor.datatype == "BYTES" else _numbers(raw, tensor.datatype)
        except (ValueError, struct.error) as error:
            raise _refusal(tensor, f"has bytes that are no {tensor.datatype} values") from error

    def require_all_taken(self) -> None:
        """Refuse a body that goes on after its last tensor.

        Raises:
            HTTPException: 400.
        """
        if self._at != len(self._content):
            raise HTTPException(400, f"{len(self._content) - self._at} bytes after the JSON belong to no tensor")


def _json_values(tensor: Tensor) -> list[object]:
    values = tensor.data
    if values is None:
        raise _refusal(tensor, "has no `data`")
    if all(isinstance(value, list) and len(value) == 1 for value in values):
        values = [value[0] for value in values]
    is_text = tensor.datatype == "BYTES"
    for row, value in enumerate(values, start=1):
        if value is not None and (isinstance(value, str) != is_text or isinstance(value, list | dict)):
            raise _refusal(tensor, f"row {row}: is no {tensor.datatype} value")
    return values


def _numbers(raw: memoryview, datatype: str) -> list[object]:
    values = np.frombuffer(raw, NUMPY[datatype])
    if datatype in ("FP16", "FP32"):  # FP32 holds 79.4 as 79.40000152…; its shortest text is what was meant
        return [float(text) for text in values.astype(str)]
    found: list[object] = values.tolist()
    return found


def _texts(raw: memoryview) -> Iterator[str]:
    at = 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        text = bytes(raw[at + 4 : at + 4 + length])
        if len(text) != length:
            raise ValueError("cut off")
        yield text.decode()
        at += 4 + length


def encoded(tensor: TensorOut, *, is_binary: bool) -> tuple[TensorOut, bytes]:
    """Return an output as it is sent, and the bytes that follow the JSON for it."""
    if not is_binary or tensor.data is None:
        return tensor, b""
    if tensor.datatype == "BYTES":
        raw = b"".join(struct.pack("<I", len(text)) + text for text in map(str.encode, tensor.data))
    else:
        raw = np.array(tensor.data, NUMPY[tensor.datatype]).tobytes()
    return tensor.model_copy(update={"data": None, "parameters": {BINARY_SIZE: len(raw)}}), raw


def _refusal(tensor: Tensor, fault: str) -> HTTPException:
    return HTTPException(400, f"nothing was scored: the tensor {tensor.name[:100]!r} {fault}")
