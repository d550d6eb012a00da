"""The accounts at MLflow: `doors` read, `pipelines` make experiments and versions; passwords from the environment."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

SERVER = os.environ["CHURN_TRACKING_URI"]
USERS = f"{SERVER}/api/2.0/mlflow/users"
MODELS = f"{SERVER}/api/2.0/mlflow/registered-models"
SECONDS = 30
UNKNOWN, WRONG, ALREADY = 404, 401, 400


def main() -> None:
    """Make what is missing, and give the others the password that the environment names."""
    admin = _authorization("admin", os.environ["MLFLOW_ADMIN_PASSWORD"])
    if _status("GET", "get?username=admin", admin) == WRONG:
        sys.exit(
            "MLflow refuses its administrator: it was started with another HOLDFAST_MLFLOW_ADMIN_PASSWORD than .env "
            "has. `docker-compose up -d mlflow` starts it with that one, which is taken from then on"
        )
    for name in ("doors", "pipelines"):
        _bring_in(name, os.environ[f"PASSWORD_OF_{name.upper()}"], admin)
    _name_the_model(os.environ["CHURN_MODEL"], _authorization("pipelines", os.environ["PASSWORD_OF_PIPELINES"]))


def _name_the_model(name: str, pipelines: str) -> None:
    """Register the model's name without a version: of a name that nobody owns, MLflow says 403 instead of not found."""
    status = _status("POST", "create", pipelines, {"name": name}, of=MODELS)
    if status not in {200, ALREADY}:
        sys.exit(f"MLflow answered POST registered-models/create of {name} with {status}")


def _bring_in(name: str, password: str, admin: str) -> None:
    account = {"username": name, "password": password}
    if _status("GET", f"get?username={name}", admin) == UNKNOWN:
        _require("POST", "create", admin, account)
        print(f"account {name}: made")
    elif _status("GET", f"get?username={name}", _authorization(name, password)) == WRONG:
        _require("PATCH", "update-password", admin, account)
        print(f"account {name}: its password is changed")


def _require(method: str, path: str, authorization: str, body: Mapping[str, str]) -> None:
    status = _status(method, path, authorization, body)
    if status != 200 and not (path == "create" and status == 400):  # somebody else made it at the same time
        sys.exit(f"MLflow answered {method} users/{path} with {status}")


def _status(
    method: str, path: str, authorization: str, body: Mapping[str, str] | None = None, *, of: str = USERS
) -> int:
    request = urllib.request.Request(
        f"{of}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": authorization, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _authorization(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


if __name__ == "__main__":
    main()
