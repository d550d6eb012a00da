import pytest
from sqlalchemy import Engine

from churn.errors import NotFoundError, UsageError
from churn.stores.api_keys import ApiKeyStore, verify_key
from churn.stores.key_text import parts


@pytest.fixture
def store(engine: Engine) -> ApiKeyStore:
    return ApiKeyStore(engine)


def test_a_key_is_its_id_and_a_secret_of_which_only_a_hash_is_kept(store: ApiKeyStore) -> None:
    key_id, text = store.issue("web shop", role="client", created_by="ann", days=90)

    (kept,) = store.all()
    found = parts(text)
    assert found is not None
    assert found[0] == key_id == kept.key_id
    assert found[1] not in repr(kept)
    assert kept.secret_hash.startswith("$argon2id$")
    assert kept.expires_at is not None
    assert kept.created_at < kept.expires_at
    assert verify_key(kept, found[1])


def test_another_secret_and_another_key_are_refused(store: ApiKeyStore) -> None:
    store.issue("web shop", role="client", created_by="ann", days=None)
    (kept,) = store.all()

    assert not verify_key(kept, "x" * 43)
    assert not verify_key(None, "x" * 43)
    assert kept.expires_at is None


def test_a_revoked_key_stays_revoked_since_the_first_time(store: ApiKeyStore) -> None:
    key_id, _ = store.issue("web shop", role="client", created_by="ann", days=90)

    store.revoke(key_id)
    first = store.all()[0].revoked_at
    store.revoke(key_id)

    assert first is not None
    assert store.all()[0].revoked_at == first


def test_a_key_that_is_not_there_can_not_be_revoked(store: ApiKeyStore) -> None:
    with pytest.raises(NotFoundError, match="churn key list"):
        store.revoke("0" * 16)


def test_a_label_says_something(store: ApiKeyStore) -> None:
    for label in ("", "  ", "a\nb", "x" * 101):
        with pytest.raises(UsageError, match="say what it is for"):
            store.issue(label, role="client", created_by="ann", days=90)
