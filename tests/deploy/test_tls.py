"""TLS before the front: deploy/tls/holdfast.conf in a real nginx, with a certificate of the test's own."""

import json
import os
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.faults.doors import ROOT, wait_until
from tests.faults.front import PROGRAM, Front
from tests.postgres import free_port

NAME = "churn.example.com"


@dataclass
class Before:
    """The host's nginx."""

    port: int
    certificate: Path

    def headers_of(self, *, claimed: str = "10.1.2.3") -> dict[str, str]:
        """What a door is told of a request that came through TLS."""
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        trusting.check_hostname = False  # asked by its address
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}/livez", headers={"X-Forwarded-For": claimed, "Host": NAME}
        )
        with urllib.request.urlopen(request, timeout=10, context=trusting) as answer:  # noqa: S310
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
            return dict(json.load(answer)["headers"])


@pytest.fixture
def before(front: Front, tmp_path: Path) -> Iterator[Before]:
    folder, ports = tmp_path / "tls", (free_port(), free_port())
    folder.mkdir()
    certificate, key = _certified(folder)
    text = (ROOT / "deploy" / "tls" / "holdfast.conf").read_text(encoding="utf-8")
    for written, here in {
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
        "listen 80;": f"listen 127.0.0.1:{ports[0]};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports[1]} ssl;",
        "http://127.0.0.1:8080": f"http://127.0.0.1:{front.port}",
    }.items():
        assert written in text
        text = text.replace(written, here)
    owner = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{owner} pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}", encoding="utf-8"
    )
    with (tmp_path / "tls.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"], stderr=log
        )
    found = Before(ports[1], certificate)
    try:
        wait_until(lambda: _answers(found, process), "TLS answers")
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def _answers(before: Before, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None
    try:
        return bool(before.headers_of())
    except OSError:
        return False


def _certified(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return paths


def test_the_front_believes_who_ends_tls_before_it_only_when_it_is_told_to(front: Front, before: Before) -> None:
    client = {"X-Forwarded-For": "10.9.8.7"}
    plain = urllib.request.Request(f"http://127.0.0.1:{front.port}/livez", headers=client)

    def told() -> str:
        with urllib.request.urlopen(plain, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["headers"]["x-forwarded-for"])

    assert told() == "127.0.0.1"
    trusted = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"
    (front.folder / "conf" / "trusted.conf").write_text(trusted, encoding="utf-8")
    front.process.send_signal(signal.SIGHUP)
    wait_until(lambda: told() == "10.9.8.7", "the front read its files again")

    assert before.headers_of(claimed="10.1.2.3")["x-forwarded-for"] == "127.0.0.1"
    assert before.headers_of()["host"] == NAME
