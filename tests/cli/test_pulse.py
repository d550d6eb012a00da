import socket
from urllib.request import urlopen

import pytest

from churn.errors import UsageError
from cli.pulse import pulse
from tests.postgres import free_port


def test_whoever_has_a_pulse_answers_until_it_ends() -> None:
    port = free_port()

    with pulse(f"127.0.0.1:{port}"), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b"process_resident_memory_bytes" in answer.read()

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_without_an_address_there_is_none() -> None:
    with pulse(None):
        pass


def test_a_port_that_is_taken_is_told() -> None:
    port = free_port()

    with pulse(f"127.0.0.1:{port}"), pytest.raises(UsageError, match=rf"CHURN_PULSE=127\.0\.0\.1:{port}.*in use"):
        pulse(f"127.0.0.1:{port}").__enter__()
