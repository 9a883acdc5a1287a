"""A client that trusts the CA where Fluent Bit looks for it reaches AWS under AWS's own names."""

import asyncio
import shutil
import ssl
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pillion.aws.tls import TlsError, host_names, open_authority, server_context, subject_hash


async def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bytes:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        data = await reader.read()
        writer.close()
        return data


def trusting(authority_path: Path, container_path: str, folder: Path) -> ssl.SSLContext:
    """A client that finds CAs only by their hashed names, as OpenSSL does in /etc/ssl/certs."""
    folder.mkdir()
    shutil.copy(authority_path, folder / Path(container_path).name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(capath=folder)
    return context


@pytest.mark.parametrize(
    "name",
    ["logs.eu-west-1.amazonaws.com", "kinesis.us-east-2.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com"],
)
async def test_aws_names_are_answered_with_a_certificate_that_the_hashed_ca_vouches_for(
    name: str, tmp_path: Path
) -> None:
    authority = open_authority(tmp_path / "tls")
    client = trusting(authority.certificate_path, authority.container_path, tmp_path / "certs")
    context = server_context(authority, "eu-west-1", "us-east-2")
    assert await handshake(context, client, name) == b"hello"


async def test_other_names_are_not(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "tls")
    client = trusting(authority.certificate_path, authority.container_path, tmp_path / "certs")
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(server_context(authority, "eu-west-1"), client, "example.com")


def test_the_ca_is_made_once_and_its_key_is_for_the_user_alone(tmp_path: Path) -> None:
    first, second = open_authority(tmp_path), open_authority(tmp_path)
    assert first.certificate == second.certificate
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


OPEN = """
import sys
from pathlib import Path
from pillion.aws.tls import open_authority
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
found = open_authority(folder)
print(found.certificate_path.name, found.certificate.serial_number, found.key.public_key().public_numbers().x)
"""


@pytest.mark.slow
def test_processes_that_make_the_ca_at_once_have_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    made = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in made:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in made:
        assert process.stdin is not None
        process.stdin.close()
    said = set()
    for process in made:
        assert process.stdout is not None
        with process, process.stdout as output:
            said.add(output.read())
    authority = open_authority(folder)
    public = authority.key.public_key().public_numbers()
    assert said == {f"ca.pem {authority.certificate.serial_number} {public.x}\n"}
    assert authority.certificate.public_key() == authority.key.public_key()


async def test_a_ca_that_is_nearly_over_has_a_successor_and_who_trusts_it_is_answered_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short:
        short.setattr("pillion.aws.tls._VALID_FOR", timedelta(days=29))
        former = open_authority(tmp_path / "tls")
    latter = open_authority(tmp_path / "tls")
    assert latter.certificate_path != former.certificate_path
    assert open_authority(tmp_path / "tls").certificate == latter.certificate
    taken_over = open_authority(tmp_path / "tls", trusted=former.certificate_path)
    for name, trusted, signing in (("former", former, taken_over), ("latter", latter, latter)):
        client = trusting(trusted.certificate_path, trusted.container_path, tmp_path / name)
        context = server_context(signing, "eu-west-1")
        assert await handshake(context, client, "logs.eu-west-1.amazonaws.com") == b"hello"


@pytest.mark.parametrize("half", ["ca.key", "ca.pem"])
def test_a_ca_of_which_a_half_is_missing_or_anothers_is_passed_over(tmp_path: Path, half: str) -> None:
    first, other = open_authority(tmp_path / "a"), open_authority(tmp_path / "b")
    shutil.copy(other.certificate_path.with_name(half), first.certificate_path.with_name(half))
    again = open_authority(tmp_path / "a")
    assert again.certificate.public_key() == again.key.public_key()
    again.certificate_path.with_suffix(".key").unlink()
    last = open_authority(tmp_path / "a")
    assert last.certificate.serial_number != again.certificate.serial_number
    assert last.certificate.public_key() == last.key.public_key()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl command to compare with")
def test_the_hash_is_openssls(tmp_path: Path) -> None:
    authority = open_authority(tmp_path)
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(authority.certificate_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert authority.container_path == f"/etc/ssl/certs/{answer}.0"


def test_the_hash_of_a_name_is_stable() -> None:
    assert subject_hash("pillion local aws") == "51af0b2c"


def test_a_damaged_ca_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "ca.key").write_text("x")
    with pytest.raises(TlsError, match="Remove it to make a new one"):
        open_authority(tmp_path)


def test_china_has_names_of_its_own() -> None:
    assert host_names("cn-north-1")[0] == "logs.cn-north-1.amazonaws.com.cn"


def test_names_that_regions_share_come_once() -> None:
    names = host_names("eu-west-1", "us-east-1", "eu-west-1")
    assert len(names) == len(set(names))
    assert {"logs.eu-west-1.amazonaws.com", "logs.us-east-1.amazonaws.com", "sts.amazonaws.com"} <= set(names)
