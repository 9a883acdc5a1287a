"""Debian packages as the raw material of an image: fetched by apt, unpacked by dpkg-deb, never installed.

apt is given an empty list of installed packages, so it resolves the dependencies of the image and not of
this machine; no root rights are needed. Surprising: a few packages are declared as present although they
never are. They only serve the install scripts of others, which are not run, and would triple the size of a
Python image.
"""

import os
import shutil
import subprocess
from pathlib import Path

_NEVER_NEEDED_AT_RUN_TIME = ("dpkg", "debconf", "openssl-provider-legacy", "libkrb5-3", "libgssapi-krb5-2")
_NOT_UNPACKED = (
    *("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/lintian", "./usr/share/info"),
    *("./usr/lib/*/gconv", "./usr/lib/*/perl-base", "./usr/share/readline", "./usr/share/initramfs-tools"),
)
# Debian moved /bin, /sbin and /lib below /usr; packages of bookworm still carry some files at the old places.
MERGED_USR = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


class PackageError(Exception):
    """Packages that cannot be had on this machine, with what to do about it."""


def architecture() -> str:
    """Name the machine's architecture as Debian and Docker both do: ``amd64`` or ``arm64``.

    Raises:
        PackageError: the machine is neither, or is no Debian.
    """
    if shutil.which("dpkg-deb") is None or shutil.which("apt-get") is None:
        raise PackageError(
            "the local images are made from Debian packages, and apt-get or dpkg-deb is missing here. "
            "Run this on Debian or Ubuntu (a virtual machine will do)."
        )
    name = _run("dpkg", "--print-architecture").strip()
    if name not in {"amd64", "arm64"}:
        raise PackageError(f"the local images exist for amd64 and arm64; this machine is {name}")
    return name


def release() -> str:
    """Name the distribution release whose packages will be used, for example ``debian-bookworm``."""
    lines = Path("/etc/os-release").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return f"{values.get('ID', 'unknown')}-{values.get('VERSION_CODENAME', 'unknown')}".replace('"', "")


def fetch(packages: tuple[str, ...], cache: Path) -> list[Path]:
    """Download packages and everything they depend on; return the files that belong to this very set.

    Raises:
        PackageError: apt does not know a package or cannot reach its source.
    """
    (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    status = cache / "status"
    status.write_text("".join(_installed(name) for name in _NEVER_NEEDED_AT_RUN_TIME))
    _update_lists_once()
    options = [
        *("-o", f"Dir::State::status={status}", "-o", f"Dir::Cache::archives={cache / 'archives'}"),
        *("-o", "Debug::NoLocking=1", "-o", "APT::Install-Recommends=false", "-o", "APT::Sandbox::User="),
    ]
    planned = _run("apt-get", "-q", *options, "--simulate", "install", *packages)
    wanted = [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]
    _run("apt-get", "-qq", *options, "--yes", "--download-only", "install", *packages)
    return [_newest(cache / "archives", name.partition(":")[0]) for name in wanted]


def unpack(package: Path, root: Path) -> None:
    """Lay the files of one package below ``root``, without documentation, translations and scripts.

    Raises:
        PackageError: the package file is damaged or the disk is full.
    """
    excluded = [f"--exclude={pattern}" for pattern in _NOT_UNPACKED]
    # --keep-directory-symlink: a package that carries ./lib must follow our link into usr/lib.
    command = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner", *excluded]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as reader:
        unpacked = subprocess.run(command, stdin=reader.stdout, capture_output=True, text=True, check=False)
    if unpacked.returncode != 0 or reader.returncode != 0:
        reason = unpacked.stderr.strip() or "the file is damaged; delete it"
        raise PackageError(f"cannot unpack {package}: {reason}")


def _installed(name: str) -> str:
    fields = {"Package": name, "Status": "install ok installed", "Version": "9999", "Description": "none"}
    lines = [f"{key}: {value}\n" for key, value in {**fields, "Architecture": architecture()}.items()]
    return "".join(lines) + "\n"


def _newest(archives: Path, name: str) -> Path:
    candidates = list(archives.glob(f"{name}_*.deb"))
    if not candidates:
        raise PackageError(f"apt-get was asked for {name} and did not leave it in {archives}")
    return max(candidates, key=lambda path: path.stat().st_mtime_ns)


def _update_lists_once() -> None:
    """Fetch the package lists where there are none, as in a fresh container image of Debian."""
    if any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        return
    if os.geteuid() != 0:
        raise PackageError("apt has no package lists on this machine; run: sudo apt-get update")
    _run("apt-get", "-qq", "update")


def _run(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        output = done.stderr.strip() or done.stdout.strip()
        raise PackageError(f"{command[0]} failed with exit code {done.returncode}: {output}")
    return done.stdout
