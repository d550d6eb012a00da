"""Where the tests of labels find the real event log."""

from pathlib import Path

import pytest

from churn.settings import Settings

ROOT = Path(__file__).parent.parent.parent.parent


class CdnowFile(Settings):
    """CHURN_TEST_CDNOW names the real file."""

    test_cdnow: Path | None = None


@pytest.fixture(scope="session")
def cdnow_file() -> Path:
    path = CdnowFile().test_cdnow or ROOT.parent / "shared" / "data" / "cdnow.txt"
    if not path.is_file():
        pytest.skip("the real CDNOW file is not here: set CHURN_TEST_CDNOW")
    return path
