"""The options of awslogs, and what Docker says to wrong ones."""

import pytest

from pillion.core.awslogs.options import AwslogsOptionError, AwslogsOptions, parse_size, read_awslogs_options

GROUP = {"awslogs-group": "/web", "awslogs-region": "eu-west-1"}


def test_what_is_not_said_has_ecs_defaults() -> None:
    assert read_awslogs_options(GROUP) == AwslogsOptions(
        group="/web", region="eu-west-1", blocking=False, max_buffer_bytes=10 * 1024**2, flush_interval_s=5.0
    )


def test_every_option_is_read() -> None:
    options = read_awslogs_options(
        {
            **GROUP,
            "awslogs-stream-prefix": "web",
            "awslogs-create-group": "true",
            "awslogs-create-stream": "false",
            "awslogs-multiline-pattern": "^ERROR",
            "awslogs-force-flush-interval-seconds": "1",
            "awslogs-endpoint": "https://logs.example",
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        }
    )
    assert options.starts_event is not None
    assert options.starts_event.pattern == "^ERROR"
    assert options == AwslogsOptions(
        group="/web",
        region="eu-west-1",
        stream_prefix="web",
        create_group=True,
        create_stream=False,
        starts_event=options.starts_event,
        max_buffer_bytes=25 * 1024**2,
        flush_interval_s=1.0,
        endpoint="https://logs.example",
    )


def test_the_stream_is_prefix_container_and_task() -> None:
    prefixed = read_awslogs_options({**GROUP, "awslogs-stream-prefix": "web"})
    plain = read_awslogs_options(GROUP)
    named = read_awslogs_options({**GROUP, "awslogs-stream": "mine"})
    assert [
        options.stream_name(container="app", task_id="0123", runtime_id="c0ffee")
        for options in (prefixed, plain, named)
    ] == ["web/app/0123", "c0ffee", "mine"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "must specify a value for log opt 'awslogs-group'"),
        ({**GROUP, "awslogs-grup": "x"}, "unknown log opt 'awslogs-grup' for awslogs log driver"),
        ({**GROUP, "mode": "fast"}, "logger: logging mode not supported: fast"),
        (
            {**GROUP, "mode": "blocking", "max-buffer-size": "1m"},
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        ({**GROUP, "max-buffer-size": "lots"}, "must specify valid value for log opt 'max-buffer-size'"),
        (
            {**GROUP, "awslogs-create-group": "yes"},
            "must specify valid value for log opt 'awslogs-create-group'",
        ),
        (
            {**GROUP, "awslogs-force-flush-interval-seconds": "0"},
            "must specify valid value for log opt 'awslogs-force-flush-interval-seconds'",
        ),
        (
            {**GROUP, "awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "x"},
            "configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
        ),
        ({**GROUP, "awslogs-multiline-pattern": "("}, "awslogs could not parse multiline pattern key"),
    ],
)
def test_wrong_options_are_refused_with_dockers_text(options: dict[str, str], text: str) -> None:
    with pytest.raises(AwslogsOptionError) as caught:
        read_awslogs_options(options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1048576", 1048576),
        ("64k", 65536),
        ("10m", 10485760),
        ("1.5M", 1572864),
        ("1gb", 1024**3),
        ("1 KiB", 1024),
    ],
)
def test_sizes_are_powers_of_1024(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes
