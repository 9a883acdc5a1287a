"""What an `image.toml` may say, and in which order images are made."""

from pathlib import Path

import pytest

from builder.plan import select
from builder.spec import Directory, ImageSpec, SpecError, bases, find_specs, read_spec


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "image.toml"
    path.write_text(text)
    return path


def _spec(name: str, base: str | None = None, *, optional: bool = False) -> ImageSpec:
    return ImageSpec(name=name, folder=Path(name), base=base, optional=optional)


def _specs(*specs: ImageSpec) -> dict[str, ImageSpec]:
    return {spec.name: spec for spec in specs}


def test_every_key_of_an_image_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("print('hello')")
    path = _write(
        tmp_path,
        """
        name = "local/thing:1"
        base = "local/below:1"
        optional = true
        packages = ["libc6"]
        site = "/opt/thing"
        applets = "/usr/bin/box"
        byte_compile = true
        [files]
        "/app/run.py" = "run.py"
        [links]
        "/usr/bin/thing" = "/opt/thing/bin/thing"
        [directories]
        "/tmp" = { mode = 0o1777 }
        [config]
        Cmd = ["thing"]
        """,
    )
    assert read_spec(path) == ImageSpec(
        name="local/thing:1",
        folder=tmp_path,
        base="local/below:1",
        optional=True,
        packages=("libc6",),
        site="/opt/thing",
        applets="/usr/bin/box",
        byte_compile=True,
        files={"/app/run.py": "run.py"},
        links={"/usr/bin/thing": "/opt/thing/bin/thing"},
        directories={"/tmp": Directory(mode=0o1777)},
        config={"Cmd": ["thing"]},
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "Invalid value"),
        ('base = "local/below:1"', "no name"),
        ('name = "local/thing:1"\nbasis = "x"', "unknown key basis"),
        ('name = "local/thing:1"\n[files]\n"/app" = "gone.py"', "gone.py, which is not beside it"),
    ],
)
def test_a_mistake_in_an_image_file_is_named_with_its_file(tmp_path: Path, text: str, complaint: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        read_spec(path)
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "images/one", 'name = "local/thing:1"')
    _write(tmp_path / "images/two", 'name = "local/thing:1"')
    with pytest.raises(SpecError, match="also defined"):
        find_specs(tmp_path)


def test_bases_are_found_before_what_stands_on_them(tmp_path: Path) -> None:
    _write(tmp_path / "images/a-top", 'name = "local/top:1"\nbase = "local/middle:1"')
    _write(tmp_path / "images/b-middle", 'name = "local/middle:1"\nbase = "local/bottom:1"')
    _write(tmp_path / "examples/story/c-bottom", 'name = "local/bottom:1"')
    assert list(find_specs(tmp_path)) == ["local/bottom:1", "local/middle:1", "local/top:1"]


def test_an_image_that_stands_on_itself_is_refused() -> None:
    specs = _specs(_spec("local/a:1", "local/b:1"), _spec("local/b:1", "local/a:1"))
    with pytest.raises(SpecError, match="stands on itself"):
        bases(specs, "local/a:1")


def test_an_unknown_base_is_refused() -> None:
    with pytest.raises(SpecError, match="local/gone:1 is not defined"):
        bases(_specs(_spec("local/a:1", "local/gone:1")), "local/a:1")


def test_asking_for_an_image_by_its_short_name_brings_its_bases() -> None:
    bottom, top, other = _spec("local/bottom:1"), _spec("local/top:1", "local/bottom:1"), _spec("local/x:1")
    assert select(_specs(bottom, top, other), ["top"]) == [bottom, top]


def test_optional_images_are_made_only_when_asked_for() -> None:
    usual, rare = _spec("local/usual:1"), _spec("local/rare:1", optional=True)
    assert select(_specs(usual, rare), []) == [usual]
    assert select(_specs(usual, rare), ["rare"]) == [rare]


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(SpecError, match="there is no image gone; there are local/usual:1"):
        select(_specs(_spec("local/usual:1")), ["gone"])


def test_the_digest_of_an_image_follows_its_files_and_its_platform() -> None:
    spec = find_specs()["pillion-example/shared-volume:1"]
    other = find_specs()["pillion-example/envoy-proxy-app:1"]
    assert spec.digest("debian/amd64") == spec.digest("debian/amd64")
    assert len({spec.digest("debian/amd64"), spec.digest("debian/arm64"), other.digest("debian/amd64")}) == 3
