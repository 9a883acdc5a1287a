"""Claims: one process holds each, the kernel lets go of those of the dead, and the socket says who it is."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pillion.control.claims import SERVER, Claim, Claimant, ClaimError, find_claimant

HOLD = """
import sys, time
from pathlib import Path
from pillion.control.claims import Claim
claim = Claim(Path(sys.argv[1]), "serve")
print("held", flush=True)
sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Return a process that holds the server's claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_claim_says_who_holds_it_and_where_it_listens(tmp_path: Path) -> None:
    with Claim(tmp_path, SERVER) as claim:
        path = claim.listener.getsockname()
        assert find_claimant(tmp_path, SERVER) == Claimant(process_id=os.getpid(), socket_path=path)
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_claim_that_was_given_up_leaves_nothing(tmp_path: Path) -> None:
    with Claim(tmp_path, "abc"):
        pass
    assert find_claimant(tmp_path, "abc") is None
    assert list((tmp_path / "control").iterdir()) == []


def test_a_claim_whose_files_were_removed_is_not_in_place_and_takes_none_of_the_next_ones_with_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("x" * 100)  # its socket is elsewhere, under one name for every holder
    first = Claim(folder, SERVER)
    before = first.is_in_place
    shutil.rmtree(folder)
    assert (before, first.is_in_place) == (True, False)
    with Claim(folder, SERVER) as second:
        assert (first.is_in_place, second.is_in_place) == (False, True)
        first.release()
        assert find_claimant(folder, SERVER) == Claimant(
            process_id=os.getpid(), socket_path=second.listener.getsockname()
        )
        assert Path(second.listener.getsockname()).is_socket()


def test_a_claim_whose_files_were_removed_leaves_no_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    with Claim(folder, SERVER) as claim:
        elsewhere = Path(claim.listener.getsockname())
        shutil.rmtree(folder)
    assert not elsewhere.parent.exists()


def test_nobody_holds_a_claim_that_nobody_made(tmp_path: Path) -> None:
    assert find_claimant(tmp_path / "nowhere", SERVER) is None


def test_a_claim_is_held_once_and_the_second_is_told_by_whom(tmp_path: Path) -> None:
    with Claim(tmp_path, SERVER), pytest.raises(ClaimError) as refused:
        Claim(tmp_path, SERVER)
    assert f"process {os.getpid()} holds" in str(refused.value)
    assert "one pillion serve is enough" in str(refused.value)


@pytest.mark.slow
def test_the_claim_of_a_killed_process_is_nobodys_and_can_be_taken(tmp_path: Path) -> None:
    process = hold(tmp_path)
    found = find_claimant(tmp_path, SERVER)
    assert found is not None
    assert found.process_id == process.pid
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert find_claimant(tmp_path, SERVER) is None
    with Claim(tmp_path, SERVER):
        again = find_claimant(tmp_path, SERVER)
        assert again is not None
        assert again.process_id == os.getpid()


def lock_file(folder: Path) -> int:
    """Return the open file of the server's claim, which nobody holds."""
    (folder / "control").mkdir()
    return os.open(folder / "control" / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)


def test_somebody_who_only_looks_does_not_keep_a_claim_from_being_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = lock_file(tmp_path)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(looking))
    with Claim(tmp_path, SERVER):
        found = find_claimant(tmp_path, SERVER)
        assert found is not None
        assert found.process_id == os.getpid()


def test_a_claim_that_was_taken_just_now_is_found_when_its_holder_has_written_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = lock_file(tmp_path)
    fcntl.flock(taken, fcntl.LOCK_EX)
    monkeypatch.setattr(time, "sleep", lambda _: os.write(taken, b'{"pid": 7, "socket": "/x"}'))
    assert find_claimant(tmp_path, SERVER) == Claimant(process_id=7, socket_path="/x")
    os.close(taken)


def test_a_claim_without_a_socket_is_none_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(ClaimError, match="No space left on device; set PILLION_STATE_DIR"):
        Claim(tmp_path, SERVER)
    assert list((tmp_path / "control").iterdir()) == []


def test_a_long_state_folder_has_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    with Claim(folder, SERVER) as claim:
        elsewhere = Path(claim.listener.getsockname())
        assert folder not in elsewhere.parents
        assert find_claimant(folder, SERVER) == Claimant(process_id=os.getpid(), socket_path=str(elsewhere))
    assert not elsewhere.parent.exists()
    with Claim(folder, SERVER) as claim:
        assert claim.listener.getsockname() == str(elsewhere)


def test_a_long_temporary_folder_is_no_place_for_a_socket_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with Claim(long, SERVER) as claim:
        elsewhere = Path(claim.listener.getsockname())
        assert long not in elsewhere.parents
        assert find_claimant(long, SERVER) == Claimant(process_id=os.getpid(), socket_path=str(elsewhere))
    assert not elsewhere.parent.exists()


def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClaimError, match="set PILLION_STATE_DIR to a folder that can be written"):
        Claim(tmp_path / "file", SERVER)
