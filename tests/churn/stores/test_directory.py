import time

import pytest
from sqlalchemy import Engine

from churn.errors import StoreError
from churn.stores.admin_actions import AdminLog, Deed
from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_database
from churn.stores.directory import read_directory
from churn.stores.tokens import RevokedTokenStore
from churn.stores.users import UserStore


def test_the_directory_holds_users_keys_and_revoked_tokens(engine: Engine) -> None:
    UserStore(engine).add("ann", "correct horse battery", role="viewer")
    key_id, _ = ApiKeyStore(engine).issue("web shop", role="client", created_by="ann", days=90)
    tokens = RevokedTokenStore(engine)
    tokens.add("one", expires_at=time.time() + 60)
    tokens.add("one", expires_at=time.time() + 60)

    found = read_directory(engine)

    assert found.users["ann"].role == "viewer"
    assert found.keys[key_id].label == "web shop"
    assert found.revoked == {"one"}


def test_tokens_that_expired_yesterday_are_forgotten(engine: Engine) -> None:
    tokens = RevokedTokenStore(engine)
    tokens.add("old", expires_at=time.time() - 90_000)
    tokens.add("new", expires_at=time.time() + 60)

    assert read_directory(engine).revoked == {"new"}


def test_a_database_without_tables_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="churn doctor"):
        read_directory(open_database("sqlite://"))


def test_deeds_are_kept_in_order_and_cut_to_their_columns(engine: Engine) -> None:
    log = AdminLog(engine)
    log.add(Deed("ann", "activate", "3", "accepted", "request-1"), {"reason": "better"})
    log.add(Deed("a" * 300, "sign_in", "ann", "refused"))

    newest, first = log.newest()

    assert (first.actor, first.subject, first.details, first.request_id) == (
        "ann",
        "3",
        {"reason": "better"},
        "request-1",
    )
    assert (newest.outcome, len(newest.actor)) == ("refused", 255)
    assert newest.at >= first.at
