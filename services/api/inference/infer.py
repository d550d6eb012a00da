"""The route that predicts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import orjson
from fastapi import Request, Response

from services.api.body import require_plain
from services.api.customers import ScoredCustomer, read_customers, score_customers
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.inference.models import DATATYPES, OUTPUTS, InferenceAnswer, InferenceRequest
from services.api.inference.reading import outputs_of, read_request, rows_of, split_body
from services.api.inference.routes import live_model
from services.api.inference.tensors import TensorOut, encoded
from services.api.predict import idempotency_key
from services.served import Served
from services.worker import Worker

JSON_LENGTH = b"inference-header-content-length"
"""How many bytes of the body are JSON, when tensors follow it."""

AT_ONCE = 2
"""Requests that one worker scores at a time; the others wait."""


class Inference:
    """The endpoint that predicts."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        served = live_model(self._worker, **request.path_params)
        headers: dict[bytes, bytes] = dict(request.headers.raw)
        require_plain(headers)
        key, length = idempotency_key(headers), headers.get(JSON_LENGTH)
        body = await request.body()
        infer = partial(self._infer, served, body, length=length, key=key)
        content, json_length = await anyio.to_thread.run_sync(infer, limiter=self._limiter)
        if json_length == len(content):
            return Response(content, headers=served.headers, media_type="application/json")
        sizes = {JSON_LENGTH.decode(): str(json_length)}
        return Response(content, headers={**served.headers, **sizes}, media_type="application/octet-stream")

    def _infer(self, served: Served, body: bytes, *, length: bytes | None, key: str | None) -> tuple[bytes, int]:
        """Return the answer's body, and how many of its bytes are JSON."""
        head, binary = split_body(body, length)
        wanted = read_request(head)
        names = outputs_of(wanted)
        rows = rows_of(served.scorer.contract, wanted.inputs, binary, most=self._worker.settings.batch_rows)
        customers = read_customers(served.scorer.form, rows)
        return _written(served, wanted, names, score_customers(self._worker, served, customers, key=key))


def inference_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the routes that predict."""
    inference = Inference(worker)
    return tuple(
        Endpoint(
            method="POST", path=f"/v2/models/{{name}}{version}/infer", answer=inference.answer,
            describe=partial(_describe, bool(version)), models=(InferenceRequest, InferenceAnswer),
        )
        for version in ("", "/versions/{version}")
    )  # fmt: skip


def _written(
    served: Served, wanted: InferenceRequest, names: Mapping[str, bool], scored: Sequence[ScoredCustomer]
) -> tuple[bytes, int]:
    made = [encoded(_output(name, scored), is_binary=is_binary) for name, is_binary in names.items()]
    answer = InferenceAnswer(
        model_name=served.scorer.name,
        model_version=str(served.scorer.version),
        id=wanted.id,
        outputs=[tensor for tensor, _ in made],
    )
    head = orjson.dumps(answer.model_dump(exclude_none=True))
    return head + b"".join(raw for _, raw in made), len(head)


def _output(name: str, scored: Sequence[ScoredCustomer]) -> TensorOut:
    values: dict[str, list[Any]] = {
        "churn_probability": [each.probability for each in scored],
        "churn_prediction": [each.decision.churn_prediction for each in scored],
        "risk_level": [each.decision.risk_level for each in scored],
        "prediction_id": [each.prediction_id for each in scored],
    }
    return TensorOut.model_validate(
        {"name": name, "shape": [len(scored)], "datatype": OUTPUTS[name], "data": values[name]}
    )


def _describe(has_version: bool, served: Served | None) -> Document:  # noqa: FBT001  the two routes' one difference
    parameters = ("name", "version") if has_version else ("name",)
    return {
        "operationId": "infer_version" if has_version else "infer",
        "summary": "Predict for rows, column by column",
        "tags": ["open inference protocol"],
        "parameters": [
            {"name": each, "in": "path", "required": True, "schema": {"type": "string"}} for each in parameters
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(InferenceRequest), **_example(served)}},
        },
        "responses": responses(ref(InferenceAnswer), 400, 404, 413, 415, 503),
    }


def _example(served: Served | None) -> Document:
    if served is None:
        return {}
    contract = served.scorer.contract
    names = contract.required_columns or tuple(contract.columns)
    inputs = [_example_tensor(name, contract.columns[name].type, contract.example[name]) for name in names]
    return {"example": {"id": "example-1", "inputs": inputs}}


def _example_tensor(name: str, kind: str, value: object) -> Document:
    cell = bool(value) if kind == "boolean" else value
    return {"name": name, "shape": [1], "datatype": DATATYPES[kind], "data": [cell]}
