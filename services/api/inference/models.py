"""What goes over the wire, and which tensors a contract's model has."""

from typing import Any

from pydantic import BaseModel, Field

from churn.contract.request import CUSTOMER_ID_FIELD
from services.api.inference.tensors import Tensor, TensorOut
from services.served import Served

PLATFORM = "onnxruntime_onnx"
DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
OUTPUTS: dict[str, str] = {
    "churn_probability": "FP64",
    "churn_prediction": "INT64",
    "risk_level": "BYTES",
    "prediction_id": "BYTES",
}


class ServerMetadata(BaseModel):
    """What answers."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """Whether the process answers."""

    live: bool


class ServerReady(BaseModel):
    """Whether a model is live."""

    ready: bool


class ModelReady(BaseModel):
    """Whether this model is the live one."""

    name: str
    ready: bool


class TensorMetadata(BaseModel):
    """What an input or an output is; -1: any number of rows."""

    name: str
    shape: list[int]
    datatype: str


class ModelMetadata(BaseModel):
    """What the live model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class OutputRequest(BaseModel):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Any] = Field(default={}, description="Only `binary_data` is read.")


class InferenceRequest(BaseModel):
    """Rows of customers, column by column."""

    id: str | None = Field(default=None, max_length=255, description="Comes back as it is.")
    parameters: dict[str, Any] = Field(default={}, description="Only `binary_data_output` is read.")
    inputs: list[Tensor] = Field(min_length=1)
    outputs: list[OutputRequest] | None = Field(default=None, description="All of them when absent.")


class InferenceAnswer(BaseModel):
    """What is predicted, output by output."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[TensorOut]


def metadata_of(served: Served) -> ModelMetadata:
    """Describe a model's tensors."""
    contract = served.scorer.contract
    inputs = {name: DATATYPES[column.type] for name, column in contract.columns.items()}
    inputs[contract.customer_id or CUSTOMER_ID_FIELD] = "BYTES"
    return ModelMetadata(
        name=served.scorer.name,
        versions=[str(served.scorer.version)],
        platform=PLATFORM,
        inputs=[TensorMetadata(name=name, shape=[-1], datatype=kind) for name, kind in inputs.items()],
        outputs=[TensorMetadata(name=name, shape=[-1], datatype=kind) for name, kind in OUTPUTS.items()],
    )
