import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select, update

from churn.errors import ConflictError, NotFoundError, UsageError
from churn.stores.passwords import PEOPLE
from churn.stores.tables import users
from churn.stores.users import User, UserStore

PASSWORD = "correct horse battery"


@pytest.fixture
def store(engine: Engine) -> UserStore:
    store = UserStore(engine)
    store.add("ann", PASSWORD, role="admin")
    return store


def ann(store: UserStore) -> User:
    found = store.find("ann")
    assert found is not None
    return found


def test_who_gives_the_right_password_is_known(store: UserStore) -> None:
    found = store.verify("ann", PASSWORD)

    assert found is not None
    assert (found.name, found.role, found.is_active) == ("ann", "admin", True)
    assert found.password_hash.startswith("$argon2id$")


WRONG = [
    ("ann", "correct horse batterz"),
    ("ann", ""),
    ("bob", PASSWORD),
    ("Ann", PASSWORD),
    ("ann\x00", PASSWORD),
    ("ann", "\ud800"),
    ("' or 1=1 --", PASSWORD),
]


def test_anybody_else_is_not(store: UserStore) -> None:
    assert [each for each in WRONG if store.verify(*each) is not None] == []


def test_a_disabled_user_is_not_known_until_enabled_again(store: UserStore) -> None:
    store.set_active("ann", is_active=False)
    assert store.verify("ann", PASSWORD) is None

    store.set_active("ann", is_active=True)
    assert store.verify("ann", PASSWORD) is not None


def test_a_new_password_replaces_the_old_one_and_voids_its_tokens(store: UserStore) -> None:
    before = ann(store).tokens_from

    store.set_password("ann", "another long password")

    assert store.verify("ann", PASSWORD) is None
    assert store.verify("ann", "another long password") is not None
    assert ann(store).tokens_from > before


def test_a_role_changes_without_voiding_tokens(store: UserStore) -> None:
    before = ann(store).tokens_from

    store.set_role("ann", "viewer")

    assert (ann(store).role, ann(store).tokens_from) == ("viewer", before)


def test_a_hash_of_older_parameters_is_replaced_at_the_next_sign_in(store: UserStore, engine: Engine) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1).hash(PASSWORD)
    with engine.begin() as connection:
        connection.execute(update(users).values(password_hash=old))

    assert store.verify("ann", PASSWORD) is not None

    with engine.connect() as connection:
        stored = connection.execute(select(users.c.password_hash)).scalar_one()
    assert stored != old
    assert not PEOPLE.check_needs_rehash(stored)
    assert store.verify("ann", PASSWORD) is not None


def test_a_name_is_taken_once(store: UserStore) -> None:
    with pytest.raises(ConflictError, match="churn user passwd"):
        store.add("ann", PASSWORD, role="client")


def test_an_odd_name_is_refused(store: UserStore) -> None:
    for name in ("", "Ann", "1ann", "a b", "ann\n", "a" * 64, "../ann"):
        with pytest.raises(UsageError, match="name begins with a letter"):
            store.add(name, PASSWORD, role="client")


def test_a_weak_password_is_refused(store: UserStore) -> None:
    for password in ("short", "a" * 300, "aaaaaaaabbbbbbbb", "bob-and-his-horse"):
        with pytest.raises(UsageError, match="choose another"):
            store.add("bob", password, role="client")


def test_changes_of_nobody_are_refused(store: UserStore) -> None:
    with pytest.raises(NotFoundError, match="no user 'bob'"):
        store.set_role("bob", "admin")
