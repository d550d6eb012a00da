"""One class path for all tests of the pipeline."""

import pytest

from tests.jenkins.driver import has_java, java_classes


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The harness, compiled."""
    if not has_java():
        pytest.skip("java and mvn are not here: apt-get install default-jdk-headless maven")
    return java_classes(tmp_path_factory.mktemp("groovy"))
