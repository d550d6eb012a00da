"""Who may ask for what: one row for each route of the doors. A route without a row keeps a door from starting."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from starlette.routing import BaseRoute, Route

Access = Literal["open", "predict", "client", "viewer", "analyst", "admin"]
"""`open` needs nobody; `predict` is open or needs a client, by CHURN_PREDICT_ACCESS; the others are the least role."""

Body = Literal["one", "batch", "upload"]
"""Which of the settings bounds the body: that of one customer, of a batch in memory, of a streamed file."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one route.

    Attributes:
        path: the route's template; also its label in metrics and logs.
    """

    method: str
    path: str
    access: Access
    body: Body = "one"


RULES: tuple[Rule, ...] = (
    Rule("GET", "/", "open"),
    Rule("GET", "/docs", "open"),
    Rule("GET", "/docs/{asset}", "open"),
    Rule("GET", "/openapi.json", "open"),
    Rule("GET", "/livez", "open"),
    Rule("GET", "/readyz", "open"),
    Rule("GET", "/metrics", "open"),
    Rule("GET", "/api/v1/health", "open"),
    Rule("POST", "/predict", "predict"),
    Rule("POST", "/api/v1/predict", "predict"),
    Rule("POST", "/predict/batch", "predict", "upload"),
    Rule("POST", "/api/v1/batch_predict", "predict", "upload"),
    Rule("POST", "/api/v1/explain", "predict"),
    Rule("GET", "/api/v1/explain", "viewer"),
    Rule("GET", "/api/v1/metrics", "open"),
    Rule("GET", "/api/v1/models", "viewer"),
    Rule("GET", "/api/v1/models/{version}", "viewer"),
    Rule("POST", "/api/v1/models/{version}/activate", "admin"),
    Rule("POST", "/api/v1/retrain", "admin"),
    Rule("POST", "/api/v1/outcomes", "analyst", "batch"),
    Rule("POST", "/api/v1/jobs/score", "analyst", "upload"),
    Rule("GET", "/api/v1/jobs", "viewer"),
    Rule("GET", "/api/v1/jobs/{job_id}", "viewer"),
    Rule("GET", "/api/v1/jobs/{job_id}/result", "analyst"),
    Rule("GET", "/api/v1/shadow", "viewer"),
    Rule("GET", "/api/v1/canary", "viewer"),
    Rule("POST", "/api/v1/hooks/mlflow", "open"),  # the signature is what admits
    Rule("POST", "/api/v1/token", "open"),
    Rule("DELETE", "/api/v1/token", "client"),
    Rule("GET", "/api/v1/users/me", "client"),
    Rule("GET", "/v2", "open"),
    Rule("GET", "/v2/health/live", "open"),
    Rule("GET", "/v2/health/ready", "open"),
    Rule("GET", "/v2/models/{name}", "open"),
    Rule("GET", "/v2/models/{name}/ready", "open"),
    Rule("POST", "/v2/models/{name}/infer", "predict", "batch"),
    Rule("GET", "/v2/models/{name}/versions/{version}", "open"),
    Rule("GET", "/v2/models/{name}/versions/{version}/ready", "open"),
    Rule("POST", "/v2/models/{name}/versions/{version}/infer", "predict", "batch"),
    Rule("POST", "/invocations", "predict", "batch"),
    Rule("GET", "/ping", "open"),
    Rule("GET", "/version", "open"),
)


PROBES = frozenset({"/livez", "/readyz", "/api/v1/health", "/metrics", "/ping", "/v2/health/live", "/v2/health/ready"})
UNLIMITED = PROBES | {"unmatched", "/api/v1/token"}
"""Open routes without a limit: probes, and what costs no more than its refusal. Signing in has one of its own."""


class UndecidedRouteError(RuntimeError):
    """A programmer added a route and no row."""


def rules_for(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], Rule]:
    """Return the rule of each route by method and path.

    Raises:
        UndecidedRouteError: a route has none, or is of a kind that can't have one.
    """
    decided = {(rule.method, rule.path): rule for rule in RULES}
    found = {}
    for route in routes:
        if not isinstance(route, Route):
            raise UndecidedRouteError(f"{route} is no plain route: who may use it can't be decided")
        for method in (route.methods or set()) - {"HEAD"}:
            if (method, route.path) not in decided:
                raise UndecidedRouteError(f"{method} {route.path} has no row in services/api/access.py")
            found[method, route.path] = decided[method, route.path]
    return found
