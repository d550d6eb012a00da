"""The directory: everybody who may ask, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, select

from churn.stores.api_keys import ApiKey, key_of
from churn.stores.tables import api_keys, revoked_tokens, users
from churn.stores.transactions import reading
from churn.stores.users import User, user_of


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Users by name, keys by id, and the ids of tokens that were revoked."""

    users: Mapping[str, User]
    keys: Mapping[str, ApiKey]
    revoked: frozenset[str]


def read_directory(engine: Engine) -> Directory:
    """Read it whole: a company has hundreds of users and keys, not millions. Raises StoreError."""
    with reading(engine) as connection:
        people = [user_of(row) for row in connection.execute(select(users))]
        keys = [key_of(row) for row in connection.execute(select(api_keys))]
        revoked = frozenset(connection.execute(select(revoked_tokens.c.token_id)).scalars())
    return Directory({each.name: each for each in people}, {each.key_id: each for each in keys}, revoked)
