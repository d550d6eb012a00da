"""Security in the OpenAPI document: which route needs whom, so that Swagger's Authorize works."""

from services.api.access import RULES, UNLIMITED, Rule
from services.api.endpoint import Document, refusal

SCHEMES: Document = {
    "password": {
        "type": "oauth2",
        "description": "A user's name and password; leave client_id and client_secret empty.",
        "flows": {"password": {"tokenUrl": "api/v1/token", "scopes": {}}},
    },
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
ANY_OF_THEM: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]


def with_security(document: Document, *, predict_is_open: bool) -> Document:
    """Return the document with what each operation needs, and the refusals that come of it."""
    for rule in RULES:
        operation = document["paths"].get(rule.path, {}).get(rule.method.lower())
        if operation is not None:
            operation["security"] = _security(rule, predict_is_open=predict_is_open)
            _add_refusals(operation["responses"], rule)
    components = {**document.get("components", {}), "securitySchemes": SCHEMES}
    return {**document, "components": components}


def _security(rule: Rule, *, predict_is_open: bool) -> list[dict[str, list[str]]]:
    if rule.access == "open":
        return []
    return [{}, *ANY_OF_THEM] if rule.access == "predict" and predict_is_open else ANY_OF_THEM


def _add_refusals(answers: Document, rule: Rule) -> None:
    guarded = () if rule.access == "open" else (401, 403, 503)
    limited = () if rule.path in UNLIMITED else (429,)
    for status in (*guarded, *limited):
        answers.setdefault(str(status), refusal())
