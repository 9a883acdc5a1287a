"""Opening documents: files, standard input, and everything that can be wrong with them."""

import io
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.errors import DocumentError
from pillion.documents.load import load_document, read_document
from pillion.documents.source import Position, Syntax


def refused(path: str | Path, stdin: bytes = b"") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        load_document(path, io.BytesIO(stdin))
    return caught.value


def test_a_json_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text('{\n  "family": "web"\n}')

    document = load_document(file)

    assert (document.name, document.value, document.syntax) == (str(file), {"family": "web"}, Syntax.JSON)
    assert document.locate(("family",)) == Position(2, 13)


@pytest.mark.parametrize("name", ["web.yaml", "web.YML", "web"])
def test_a_yaml_file_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("family: web")

    document = load_document(str(file))

    assert (document.value, document.syntax) == ({"family": "web"}, Syntax.YAML)


@pytest.mark.parametrize(
    ("text", "syntax"),
    [(b' {"a": 1}', Syntax.JSON), (b"[1]", Syntax.JSON), (b"a: 1", Syntax.YAML), (b"# x\na: 1", Syntax.YAML)],
)
def test_standard_input_is_taken_for_json_if_it_starts_like_json(text: bytes, syntax: Syntax) -> None:
    document = load_document("-", io.BytesIO(text))

    assert (document.name, document.syntax) == ("<stdin>", syntax)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert load_document("-", io.BytesIO(b'\xef\xbb\xbf{"a": 1}')).value == {"a": 1}


def test_a_file_that_is_not_there_gets_a_guess(tmp_path: Path) -> None:
    (tmp_path / "task.json").touch()

    assert str(refused(tmp_path / "tsk.json")) == (
        f"{tmp_path}/tsk.json: there is no such file\n  Did you mean {tmp_path}/task.json?"
    )
    assert str(refused(tmp_path / "zzzzzzzz")) == f"{tmp_path}/zzzzzzzz: there is no such file"
    assert refused(tmp_path / "no" / "task.json").hint == f"There is no folder {tmp_path}/no either."


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    assert refused(tmp_path).message == f"{tmp_path}: this is a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.touch(mode=0)

    assert refused(file).message == f"{file}: this file may not be read"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_says_so(name: str) -> None:
    assert "this is not the name of a file" in refused(name).message


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf"])
def test_an_empty_document_says_so(data: bytes) -> None:
    assert refused("-", data).message == "<stdin>: the document is empty"


def test_what_is_not_utf_8_says_where() -> None:
    error = refused("-", b'{\n "a": "\xe4"}')
    assert str(error) == "<stdin>:2:8: this is not UTF-8: byte 0xe4\n  Save the file as UTF-8."


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"a": ["\\ud83d\\ude00",\n "x\\uD83D"]}', "2:2"),
        (b'{"a": {"\\ude00": 1}}', "1:8"),
    ],
)
def test_half_of_a_character_says_where(data: bytes, place: str) -> None:
    assert str(refused("-", data)) == (
        f"<stdin>:{place}: this text has half of a character (one surrogate alone)\n"
        "  Write the character itself, or both halves of it."
    )


def test_a_character_of_two_halves_is_one() -> None:
    assert read_document('{"a": "\\ud83d\\ude00"}', "x.json").value == {"a": "\U0001f600"}


def test_utf_16_as_powershell_writes_it_says_so() -> None:
    assert refused("-", '{"a": 1}'.encode("utf-16")).message == "<stdin>: this text is UTF-16"


@pytest.mark.parametrize("data", [b"hello", b"# c\n'x'", b"5"])
def test_a_single_value_is_no_document(data: bytes) -> None:
    assert "this holds a single value" in refused("-", data).message


def test_a_list_is_read_because_some_files_hold_only_containers() -> None:
    assert read_document("[]", "x.json").value == []


def test_a_closed_standard_input_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(DocumentError, match="<stdin>: standard input is closed"):
        load_document("-")


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert refused("/dev/zero").message == "/dev/zero: this is larger than 64 MiB"


@given(st.binary(max_size=200))
def test_no_bytes_make_loading_fail_otherwise(data: bytes) -> None:
    with suppress(DocumentError):
        assert isinstance(load_document("-", io.BytesIO(data)).value, dict | list)
