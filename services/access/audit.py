"""Audit: what people changed through a door, and who signed in."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request

from services.access.subjects import ANONYMOUS, Subject

if TYPE_CHECKING:
    from churn.stores.admin_actions import Outcome
    from services.access.desk import Desk

log = logging.getLogger(__name__)


def subject_of(request: Request) -> Subject:
    """Return who asks."""
    found = request.scope.get("churn_subject", ANONYMOUS)
    return found if isinstance(found, Subject) else ANONYMOUS


def audit(
    request: Request,
    *,
    action: str,
    subject: str,
    outcome: "Outcome",
    details: Mapping[str, object] | None = None,
) -> None:
    """Keep what somebody did, in the store and in the log; call it in a thread.

    Args:
        request: whose; its subject is the actor.
        action: one word, as `activate`.
        subject: to whom or what; never a customer's value.
        outcome: how it ended.
        details: JSON values; only for the store.

    Raises:
        StoreError: it can't be kept; then what it is about should not happen either.
    """
    from churn.stores.admin_actions import AdminLog, Deed  # noqa: PLC0415  it brings sqlalchemy

    desk: Desk = request.app.state.desk
    deed = Deed(subject_of(request).name, action, subject, outcome, request.scope.get("churn_request_id", ""))
    log.info("admin action", extra={"action": action, "outcome": outcome, "request": deed.request_id})
    AdminLog(desk.stores.engine()).add(deed, details)
