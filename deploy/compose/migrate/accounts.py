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
SECONDS = 30
UNKNOWN, WRONG = 404, 401


def main() -> None:
    """Make what is missing, and give the others the password that the environment names."""
    admin = _authorization("admin", os.environ["MLFLOW_ADMIN_PASSWORD"])
    if _status("GET", "get?username=admin", admin) == WRONG:
        sys.exit(
            "MLflow refuses its administrator: HOLDFAST_MLFLOW_ADMIN_PASSWORD in .env is not the one of its first "
            "start. Put that one back, or change it in MLflow too"
        )
    for name in ("doors", "pipelines"):
        _bring_in(name, os.environ[f"PASSWORD_OF_{name.upper()}"], admin)


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


def _status(method: str, path: str, authorization: str, body: Mapping[str, str] | None = None) -> int:
    request = urllib.request.Request(
        f"{USERS}/{path}",
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
