from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.endpoints.routes import Asked, Route, clean_path, find_route


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/v4/id", "/v4/id"),
        ("/v4/id/", "/v4/id/"),
        ("//v4//id", "/v4/id"),
        ("/v4/./id", "/v4/id"),
        ("/v4/x/../id/", "/v4/id/"),
        ("/../..", "/"),
        ("//", "/"),
        ("", "/"),
        ("/.hidden", "/.hidden"),
    ],
)
def test_paths_are_cleaned_as_go_cleans_them(path: str, clean: str) -> None:
    assert clean_path(path) == clean


@given(st.text(alphabet="/.av4", max_size=12))
def test_a_clean_path_stays_as_it_is(path: str) -> None:
    assert clean_path(clean_path(path)) == clean_path(path)


@given(st.text(alphabet="/v1234api-metadstWihTgscroln", max_size=40))
def test_no_path_is_too_odd(path: str) -> None:
    find_route(clean_path(path))


@pytest.mark.parametrize("version", ["v3", "v4"])
@pytest.mark.parametrize(
    ("rest", "asked", "names"),
    [
        ("", Asked.CONTAINER, ()),
        ("/task", Asked.TASK, ()),
        ("/taskWithTags", Asked.TASK_WITH_TAGS, ()),
        ("/stats", Asked.CONTAINER_STATS, ()),
        ("/task/stats", Asked.TASK_STATS, ()),
        ("/associations/gpu", Asked.ASSOCIATIONS, ("gpu",)),
        ("/associations/gpu/", Asked.ASSOCIATION, ("gpu", "")),
        ("/associations/gpu/dev/1", Asked.ASSOCIATION, ("gpu", "dev/1")),
    ],
)
def test_paths_of_an_endpoint_id(version: str, rest: str, asked: Asked, names: tuple[str, ...]) -> None:
    route = Route(asked=asked, version=version, id="some-id", names=names)
    assert find_route(f"/{version}/some-id{rest}") == route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v4/", Route(asked=Asked.CONTAINER, version="v4", id="")),
        ("/v2/metadata", Route(asked=Asked.TASK, version="v2")),
        ("/v2/metadata/", Route(asked=Asked.TASK, version="v2")),
        ("/v2/metadata/abc", Route(asked=Asked.CONTAINER, version="v2", id="abc")),
        ("/v2/metadataWithTags", Route(asked=Asked.TASK_WITH_TAGS, version="v2")),
        ("/v2/metadataWithTags/", Route(asked=Asked.TASK_WITH_TAGS, version="v2")),
        ("/v2/stats", Route(asked=Asked.TASK_STATS, version="v2")),
        ("/v2/stats/abc", Route(asked=Asked.CONTAINER_STATS, version="v2", id="abc")),
        ("/v2/credentials", Route(asked=Asked.CREDENTIALS, version="v2")),
        ("/v2/credentials/", Route(asked=Asked.CREDENTIALS, version="v2")),
        ("/v2/credentials/abc", Route(asked=Asked.CREDENTIALS, version="v2", id="abc")),
        ("/v1/credentials", Route(asked=Asked.CREDENTIALS, version="v1")),
        ("/api/x/task-protection/v1/state", Route(asked=Asked.PROTECTION, version="api", id="x")),
        ("/api/x/fault/v1/network-latency/start", Route(asked=Asked.FAULT, version="api", id="x")),
    ],
)
def test_other_paths(path: str, route: Route) -> None:
    assert find_route(path) == route


@pytest.mark.parametrize(
    "path",
    [
        "/", "/v4", "/v5/id", "/v4/id/", "/v4/id/tasks", "/v4/id/task/", "/v4/id/associations", "/v2/other",
        "/v2/metadataWithTags/abc", "/v2/metadata/a/b", "/v1/credentials/abc",
        "/api/x", "/api/x/fault/v1/x/y",
    ],
)  # fmt: skip
def test_nothing_is_elsewhere(path: str) -> None:
    assert find_route(path) is None
