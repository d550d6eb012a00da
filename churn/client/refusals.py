"""Refusals: what a door says when it does not do what was asked, as errors."""

from typing import Any

import httpx

from churn.errors import ApiError


def refusal_of(answer: httpx.Response) -> ApiError:
    """Return a refusal with the problem that the door described."""
    problem = _problem_of(answer)
    detail = str(problem.get("detail") or answer.reason_phrase or "refused")
    faults = [f"{each['field']}: {each['message']}" for each in problem.get("errors") or []]
    request_id = str(problem.get("request_id") or answer.headers.get("x-request-id", ""))
    words = f"{answer.status_code} from {answer.request.url.path}: {detail}" + (
        f" ({'; '.join(faults)})" * bool(faults)
    )
    return ApiError(words, status=answer.status_code, problem=problem, request_id=request_id)


def retry_after_of(answer: httpx.Response) -> float:
    """Return the pause in seconds that a door asks for; 0: none, or one that is no number of seconds."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _problem_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
