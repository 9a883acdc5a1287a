"""AWS's own host names, answered on this machine over TLS: for log routers that speak nothing else.

Fluent Bit's outputs for CloudWatch Logs and Kinesis know neither AWS_ENDPOINT_URL nor plain HTTP. So, with
local AWS only, the regional host names resolve to the task's link-local address, pillion answers there with a
certificate of its own CA, and the router finds that CA in /etc/ssl/certs under its hashed name, where it adds
to the image's CAs and replaces none.

The CA's key never leaves the state folder; whoever trusts the CA is one router container.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SERVICES: Final = (
    "logs",
    "kinesis",
    "firehose",
    "s3",
    "monitoring",
    "sts",
    "ssm",
    "secretsmanager",
    "sqs",
    "sns",
    "dynamodb",
    "xray",
    "events",
)
"""The services whose host names are answered: those a log router or a metrics agent may write to."""

CERTIFICATES_FOLDER: Final = "/etc/ssl/certs"
"""Where OpenSSL, Fluent Bit and Go look for CAs in nearly every image."""

_CA_NAME: Final = "pillion local aws"  # lower case: OpenSSL hashes names in lower case
_VALID_FOR: Final = timedelta(days=365)
_RENEW_BEFORE: Final = timedelta(days=30)


class TlsError(Exception):
    """TLS cannot be set up. The message says why, and what to do."""


class Authority(Struct, frozen=True, kw_only=True):
    """The CA: where its certificate is, and under which name a container has to see it."""

    certificate_path: Path
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def container_path(self) -> str:
        """Where the certificate is mounted in the router."""
        return container_path()


def container_path() -> str:
    """Return where the certificate of any CA of ours is mounted in a router."""
    return f"{CERTIFICATES_FOLDER}/{subject_hash(_CA_NAME)}.0"


def host_names(*regions: str) -> tuple[str, ...]:
    """Return the host names of AWS that are answered for regions."""
    names: list[str] = []
    for region in regions:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        names += [f"{service}.{region}.{suffix}" for service in SERVICES]
        names += [f"s3.{suffix}", f"sts.{suffix}"]
    return tuple(dict.fromkeys(names))


def subject_hash(common_name: str) -> str:
    """Return OpenSSL's hash of a certificate's subject that is one common name in lower case.

    It is the SHA-1 of the name's canonical DER form, of which the first four bytes count, last one first.
    """
    value = _der(0x0C, common_name.encode())
    attribute = _der(0x30, _der(0x06, bytes([0x55, 0x04, 0x03])) + value)
    digest = hashlib.sha1(_der(0x31, attribute), usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def open_authority(folder: Path, *, trusted: Path | None = None) -> Authority:
    """Return the CA of a state folder; make one where there is none, or where the last is nearly over.

    One that is nearly over stays beside its successor: routers that run see the file that was mounted into
    them, and trust no other.

    Args:
        folder: where CAs are kept.
        trusted: the certificate that the router of a task that is taken over trusts already.

    Raises:
        TlsError: the folder cannot be used, or the package `cryptography` is missing.
    """
    try:
        import cryptography.x509  # noqa: F401 - whether it is there
    except ImportError as error:
        raise TlsError(
            "TLS for local AWS needs the package cryptography: pip install 'pillion[local]'"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone_in(folder):
            if trusted is not None and (known := _read_authority(trusted)) is not None:
                return known
            found = [known for path in folder.glob("ca*.pem") if (known := _read_authority(path)) is not None]
            last = max(found, key=lambda item: item.certificate.not_valid_after_utc, default=None)
            if last is not None and last.certificate.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE:
                return last
            return _make_authority(folder)
    except (OSError, ValueError) as error:
        raise TlsError(
            f"the CA of local AWS in {folder} cannot be used: {error}. Remove it to make a new one"
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes waiting: of two CAs made at once, one would sign and the other be trusted."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read_authority(certificate_path: Path) -> Authority | None:
    """Return a CA; None where it is not whole: its key is missing, or another's."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key_path = certificate_path.with_suffix(".key")
    if not certificate_path.exists() or not key_path.exists():
        return None
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    key = load_pem_private_key(key_path.read_bytes(), password=None)
    public = certificate.public_key()
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(public, EllipticCurvePublicKey):
        return None
    if key.public_key().public_numbers() != public.public_numbers():
        return None
    return Authority(certificate_path=certificate_path, certificate=certificate, key=key)


def server_context(authority: Authority, *regions: str) -> ssl.SSLContext:
    """Return the TLS side of a server that answers as AWS in some regions."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    names = host_names(*regions)
    # S3 puts the bucket's name in front of the host's.
    alternatives = [*names, *(f"*.{name}" for name in names if name.startswith("s3."))]
    certificate = (
        _builder(names[0], authority.certificate.subject, key)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in alternatives]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(prefix="pillion-tls-") as file:  # the ssl module reads files only
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _make_authority(folder: Path) -> Authority:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _CA_NAME)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(_CA_NAME, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "ca.pem"
    if path.exists():
        path = folder / f"ca-{certificate.serial_number:x}.pem"
    _write(path.with_suffix(".key"), private, 0o600)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Authority(certificate_path=path, certificate=certificate, key=key)


def _builder(name: str, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks of virtual machines lag behind
        .not_valid_after(now + _VALID_FOR)
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    scratch.replace(path)


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
