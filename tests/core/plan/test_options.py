"""Options of a run, as a person types them."""

from __future__ import annotations

import pytest

from pillion.core.lifecycle.states import PullBehavior
from pillion.core.plan.options import (
    OptionError,
    Publish,
    parse_assignment,
    parse_cluster,
    parse_publish,
    parse_pull_behavior,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", Publish(container_port=80)),
        ("8080:80", Publish(container_port=80, host_port=8080)),
        (":80", Publish(container_port=80)),
        ("0.0.0.0:8080:80", Publish(container_port=80, host_port=8080, host_ip="0.0.0.0")),
        ("[::1]:8080:80/udp", Publish(container_port=80, host_port=8080, host_ip="::1", protocol="udp")),
        ("web=8080:80", Publish(container_port=80, host_port=8080, container="web")),
    ],
)
def test_publish_is_read(text: str, expected: Publish) -> None:
    assert parse_publish(text) == expected


@pytest.mark.parametrize("text", ["", "web", "80:", "8080:80/sctp", "0:80", "70000", "a b=80", "1:2:3:4"])
def test_publish_that_means_nothing_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OptionError, match="is not a port to publish"):
        parse_publish(text)


def test_an_assignment_is_split_at_the_first_equals_sign() -> None:
    assert parse_assignment("a=b=c", "an image", "x=y") == ("a", "b=c")


@pytest.mark.parametrize("text", ["a", "=b", "a="])
def test_half_an_assignment_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is not an image: write it like x=y"):
        parse_assignment(text, "an image", "x=y")


@pytest.mark.parametrize(
    ("text", "name"),
    [("default", "default"), ("arn:aws:ecs:eu-west-1:111122223333:cluster/my_shop-1", "my_shop-1")],
)
def test_a_cluster_goes_by_its_name_or_its_arn(text: str, name: str) -> None:
    assert parse_cluster(text) == name


@pytest.mark.parametrize("text", ["", "a/b", "a b", "größe", "x" * 256, "arn:aws:ecs:eu-west-1:1:service/a"])
def test_what_can_be_no_cluster_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is not a cluster: write 1 to 255 letters"):
        parse_cluster(text)


def test_pull_behaviours_go_by_the_agents_names() -> None:
    assert parse_pull_behavior("prefer-cached") is PullBehavior.PREFER_CACHED
    with pytest.raises(OptionError, match="one of default, always, once, prefer-cached, never"):
        parse_pull_behavior("sometimes")
