import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.errors import ApiError, UsageError
from cli.main import app
from tests.churn.client.scripted import answers, refuses, scripted


def test_a_customer_in_a_file_or_on_standard_input_is_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_API_KEY", "hf_secret")
    (tmp_path / "customer.json").write_text('{"tenure": 12}')
    with scripted(answers()) as door:
        for place, text in ((str(tmp_path / "customer.json"), None), ("-", '{"tenure": 12}')):
            result = CliRunner().invoke(app, ["predict", place, "--url", door.url, "--lean"], input=text)

            assert result.exit_code == 0, result.output
            assert json.loads(result.output)["risk_level"] == "HIGH"

    assert {each.path for each in door.received} == {"/api/v1/predict?explain=false"}
    assert {each.headers["x-api-key"] for each in door.received} == {"hf_secret"}


@pytest.mark.parametrize(("text", "words"), [("{", "is not JSON"), ("[1]", "holds no customer")])
def test_what_is_no_customer_is_not_sent(text: str, words: str) -> None:
    result = CliRunner().invoke(app, ["predict", "-"], input=text)

    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)


def test_a_refusal_is_told() -> None:
    with scripted(refuses(422)) as door:
        result = CliRunner().invoke(app, ["predict", "-", "--url", door.url], input="{}")

    assert isinstance(result.exception, ApiError)
