"""Predictions, asked for as a client does and looked up where they are recorded."""

from __future__ import annotations  # hosts may have Python 3.9

import json
from collections.abc import Iterator
from functools import partial

from deploy.host.checks.check import Check, eventually, require
from deploy.host.checks.engine import remedy_of
from deploy.host.checks.installation import Installation
from deploy.host.first_model import example
from deploy.host.inside import churn, churn_json

FIELDS = ("churn_probability", "churn_prediction", "risk_level", "prediction_id", "model_version", "served_by")
DOORS = {"bento": "CHURN_BENTO_ADDRESS", "fastapi": "CHURN_FASTAPI_ADDRESS"}
"""Door → the variable of the front's container that says where it is."""

RECORDED_SECONDS = 30.0
SERVED_SECONDS = 30.0
FAULTLESS_REMEDY = "`docker-compose exec worker churn doctor` says cause and remedy"


def of_predictions(at: Installation, version: str) -> Iterator[Check]:
    """Yield the checks, in an order in which a later one may use what an earlier one saw.

    Args:
        at: where.
        version: in production.
    """
    door = "docs/runbooks/ChurnDoorWithoutModel.md"
    for name in DOORS:
        yield Check(f"{name}: it serves version {version} itself", partial(_door, at, name, version), remedy_of(name))
    yield Check("a customer is scored through the front", partial(_predict, at, version), door)
    yield Check("a prediction is explained through the front", partial(_explain, at), door)
    yield Check(
        "a customer who breaks the contract is refused, field by field", partial(_refuse, at), remedy_of("front")
    )
    record = "docs/runbooks/ChurnRecorderBacklogOld.md"
    yield Check("the prediction is found in the store", partial(_recorded, at), record)


def of_record(at: Installation) -> Iterator[Check]:
    """Yield the checks that the pipelines do themselves."""
    yield Check("churn doctor finds nothing broken", partial(churn, at.project, "doctor"), FAULTLESS_REMEDY)
    log = "docs/runbooks/ChurnLogBroken.md"
    yield Check("churn audit verify: everything is as it was recorded", partial(_verify, at), log)


def _door(at: Installation, name: str, version: str) -> None:
    command = f'curl -fsS --max-time 5 "http://${DOORS[name]}/api/v1/health"'

    def look() -> None:
        health = json.loads(at.said_in("front", "sh", "-c", command))
        require(health["door"] == name, f"the door {health['door']} answers at its address")
        found = (health["model"] or {}).get("version")
        require(found == version, f"it serves {found or 'nothing'}: {health['model_problem'] or health['status']}")

    eventually(look, seconds=at.patience(SERVED_SECONDS, name, "front"))


def _predict(at: Installation, version: str) -> None:
    answer = at.ask("front", "/api/v1/predict", body=example(at.url("front"))).value
    missing = [name for name in FIELDS if name not in answer]
    require(not missing, f"the answer lacks {', '.join(missing)}")
    require(0 <= answer["churn_probability"] <= 1, f"{answer['churn_probability']} is no probability")
    require(answer["served_by"] in DOORS, f"{answer['served_by']} is no door")
    live = (version, at.aliases.get("canary"))  # a canary answers some
    require(answer["model_version"] in live, f"version {answer['model_version']} answered, not {version}")
    require(answer["recorded"], "the door says that it could not record it")
    at.seen["prediction_id"] = answer["prediction_id"]


def _explain(at: Installation) -> None:
    answer = at.ask("front", "/api/v1/explain", body=example(at.url("front"))).value
    values = answer["shap_values"]
    require(values and len(values) == len(answer["feature_names"]), "there is not one value for each column")


def _refuse(at: Installation) -> None:
    answer = at.ask("front", "/api/v1/predict", body={"no such column": 1}, status=422)
    kind = answer.headers.get("content-type", "")
    require(kind.startswith("application/problem+json"), f"the refusal is {kind}, not application/problem+json")
    lacking = [name for name in ("type", "title", "status", "detail", "errors") if name not in answer.value]
    require(not lacking, f"the refusal lacks {', '.join(lacking)}")
    require(answer.value["errors"], "the refusal names no field")


def _recorded(at: Installation) -> None:
    require("prediction_id" in at.seen, "there was no prediction to look for")
    found = {}

    def look() -> None:
        found.update(churn_json(at.project, "audit", "show", at.seen["prediction_id"]))

    eventually(look, seconds=at.patience(RECORDED_SECONDS, "postgres", "mariadb", "worker"))
    require(found["row"]["prediction_id"] == at.seen["prediction_id"], "another prediction was found")


def _verify(at: Installation) -> None:
    require(churn_json(at.project, "audit", "verify")["is_sound"], "the log is broken")
