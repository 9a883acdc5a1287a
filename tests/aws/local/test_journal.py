"""What changed local AWS is written down and done again; a small application stands for moto."""

import io
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pillion.aws.local.journal import JOURNAL_NAME, Journal, JournalError, only_reads


class Counter:
    """Remembers what it was asked and with which random seed; refuses what says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes, int]] = []
        self.random_seed = 0

    def seed(self, value: int) -> None:
        self.random_seed = value

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        self.asked.append((environ["REQUEST_METHOD"], target, body, self.random_seed))
        start_response("400 Bad Request" if b"refuse" in body else "200 OK", [])
        return [b"answer"]


def ask(journal: Journal, body: bytes, target: str = "Logs.CreateLogGroup", method: str = "POST") -> bytes:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "HTTP_X_AMZ_SECURITY_TOKEN": "session-token",
        "wsgi.input": io.BytesIO(body),
    }
    return b"".join(journal(environ, lambda *_: None))


def journal_of(folder: Path) -> tuple[Journal, Counter]:
    application = Counter()
    return Journal(application, folder, application.seed), application


def test_changes_are_repeated_in_order_with_their_random_seeds(tmp_path: Path) -> None:
    journal, before = journal_of(tmp_path)
    for body in (b"first", b"\xff\x00", b"third"):
        assert ask(journal, body) == b"answer"
    ask(journal, b"", target="Logs.DescribeLogGroups")
    ask(journal, b"", method="GET", target="")
    ask(journal, b"refuse this")
    changes = before.asked[:3]
    journal.close()
    journal, after = journal_of(tmp_path)
    assert journal.replay() == 3
    journal.close()
    assert after.asked == changes
    assert len({seed for *_, seed in changes}) == 3
    assert all(
        after.asked[number][2] == body for number, body in enumerate([b"first", b"\xff\x00", b"third"])
    )


def test_what_comes_after_a_repetition_is_kept_too(tmp_path: Path) -> None:
    for count in range(3):
        journal, _ = journal_of(tmp_path)
        assert journal.replay() == count
        ask(journal, b"one more")
        journal.close()


def test_a_line_that_was_cut_off_is_forgotten(tmp_path: Path) -> None:
    journal, _ = journal_of(tmp_path)
    ask(journal, b"first")
    journal.close()
    path = tmp_path / JOURNAL_NAME
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    journal, _ = journal_of(tmp_path)
    assert journal.replay() == 1
    journal.close()
    assert path.read_bytes() == whole


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_text("{}\n")
    journal, _ = journal_of(tmp_path)
    with pytest.raises(JournalError, match="line 1 cannot be read"):
        journal.replay()
    journal.close()


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    journal, _ = journal_of(tmp_path)
    with pytest.raises(JournalError, match="in use by another run"):
        journal_of(tmp_path)
    journal.close()


def test_the_file_is_for_the_user_alone_and_has_no_session_tokens(tmp_path: Path) -> None:
    journal, _ = journal_of(tmp_path / "new")
    ask(journal, b"x")
    journal.close()
    path = tmp_path / "new" / JOURNAL_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"session-token" not in path.read_bytes()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot keep the state of local AWS in"):
        journal_of(tmp_path / "file")


@pytest.mark.parametrize(
    ("method", "target", "body", "reads"),
    [
        ("GET", "", b"", True),
        ("HEAD", "", b"", True),
        ("PUT", "", b"", False),
        ("POST", "AmazonSSM.GetParameters", b"{}", True),
        ("POST", "AmazonSSM.PutParameter", b"{}", False),
        ("POST", "DynamoDB_20120810.Query", b"{}", True),
        ("POST", "Logs_20140328.FilterLogEvents", b"{}", True),
        ("POST", "", b"Action=ListQueues&Version=1", True),
        ("POST", "", b"Version=1&Action=CreateQueue", False),
        ("POST", "", b"Action=AssumeRole", True),
        ("POST", "AmazonSQS.ReceiveMessage", b"{}", False),
        ("POST", "Service.Getaway", b"{}", False),
        ("POST", "", b"", False),
    ],
)
def test_reading_is_told_from_changing(method: str, target: str, body: bytes, reads: bool) -> None:
    assert only_reads(method, target, body) is reads
