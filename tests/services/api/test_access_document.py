from pathlib import Path

from churn.stores.roles import ROLES
from services.api.access import RULES, UNLIMITED, Rule

DOCUMENT = Path(__file__).parent.parent.parent.parent / "docs" / "access.md"
BODIES = {"one": "CHURN_BODY_BYTES", "batch": "CHURN_BATCH_BYTES", "upload": "CHURN_UPLOAD_BYTES"}


def test_the_documents_table_is_that_of_the_rules() -> None:
    table = "\n".join(["| method | path | needs | limit | body |", "|---|---|---|---|---|", *map(_row, RULES)])

    assert table in DOCUMENT.read_text(encoding="utf-8"), f"paste this into {DOCUMENT.name}:\n\n{table}\n"


def test_the_document_names_every_role() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [role for role in ROLES if f"**{role}**" not in text] == []


def _row(rule: Rule) -> str:
    needs = {"open": "nobody", "predict": "nobody, or client"}.get(rule.access, rule.access)
    limit = (
        "none"
        if rule.path in UNLIMITED and rule.access == "open"
        else "predict"
        if rule.access == "predict"
        else "requests"
    )
    if (rule.method, rule.path) == ("POST", "/api/v1/token"):
        limit = "sign-ins"
    body = f"`{BODIES[rule.body]}`" if rule.method == "POST" else ""
    return f"| {rule.method} | `{rule.path}` | {needs} | {limit} | {body} |"
