from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from churn.errors import UsageError
from churn.stores.log.anchors import Anchor
from churn.stores.log.chain import Tail

KEY, OTHER = SecretStr("a key of sixteen letters"), SecretStr("another key of such a length")
TAIL = Tail(7, "ab" * 32)


def written(path: Path, key: SecretStr | None) -> Path:
    Anchor.of(TAIL, key).write(path)
    return path


def test_an_anchor_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for name, key in (("signed", KEY), ("plain", None)):
        anchor = Anchor.read(written(tmp_path / name, key), key)

        assert (anchor.number, anchor.hash, bool(anchor.signature)) == (7, "ab" * 32, key is not None)


def test_an_anchor_is_never_written_over_another(tmp_path: Path) -> None:
    path = written(tmp_path / "anchor", KEY)

    with pytest.raises(UsageError, match="is there already: anchors are not replaced"):
        Anchor.of(replace(TAIL, number=8), KEY).write(path)
    assert Anchor.read(path, KEY).number == 7


@pytest.mark.parametrize("made_with", [None, OTHER])
def test_an_anchor_that_was_not_signed_with_the_key_is_not_believed(
    tmp_path: Path, made_with: SecretStr | None
) -> None:
    with pytest.raises(UsageError, match="was not signed with the key in CHURN_AUDIT_KEY"):
        Anchor.read(written(tmp_path / "anchor", made_with), KEY)


def test_an_anchor_whose_number_was_changed_is_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path / "anchor", KEY)
    path.write_text(path.read_text().replace('"number": 7', '"number": 6'))

    with pytest.raises(UsageError, match="was not signed with the key"):
        Anchor.read(path, KEY)


def test_a_signed_anchor_needs_the_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is signed: set CHURN_AUDIT_KEY"):
        Anchor.read(written(tmp_path / "anchor", KEY), None)


def test_what_is_no_anchor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"number": "7"}')

    with pytest.raises(UsageError, match="is no anchor: `churn audit seal` writes one"):
        Anchor.read(tmp_path / "other", None)
    with pytest.raises(UsageError, match=r"nowhere can't be read"):
        Anchor.read(tmp_path / "nowhere", None)
    with pytest.raises(UsageError, match=r"can't be written: No such file"):
        Anchor.of(TAIL, None).write(tmp_path / "no" / "folder")
