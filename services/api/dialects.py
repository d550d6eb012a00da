"""Dialects: what a refusal says besides, where the clients of another protocol look for it."""

DEFAULT_CODE = "BAD_REQUEST"
MLFLOW_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
"""Words of mlflow's `ErrorCode` by status."""


def members_for(path: str, status: int, detail: str) -> dict[str, str]:
    """Return the members that a problem has besides those of RFC 9457: none on most paths.

    The Open Inference Protocol's clients read `error`, MLflow's read `error_code` and `message`.
    """
    if path == "/v2" or path.startswith("/v2/"):
        return {"error": detail}
    if path == "/invocations":
        return {"error_code": MLFLOW_CODES.get(status, DEFAULT_CODE), "message": detail}
    return {}
