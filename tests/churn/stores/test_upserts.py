import pytest
from sqlalchemy.dialects import mysql

from churn.errors import StoreError
from churn.stores.tables import leases
from churn.stores.upserts import insert_or_ignore, insert_or_replace


def test_mysql_is_spoken_to_in_its_own_words() -> None:
    ignore = str(insert_or_ignore(leases, "mysql").compile(dialect=mysql.dialect()))
    replace = str(insert_or_replace(leases, "mariadb").compile(dialect=mysql.dialect()))

    assert ignore.endswith("ON DUPLICATE KEY UPDATE name = leases.name")
    assert "owner = VALUES(owner)" in replace
    assert "name = VALUES" not in replace


@pytest.mark.parametrize("make", [insert_or_ignore, insert_or_replace])
def test_another_database_is_refused(make: object) -> None:
    with pytest.raises(StoreError, match="oracle: use sqlite, postgresql"):
        make(leases, "oracle")  # type: ignore[operator]
