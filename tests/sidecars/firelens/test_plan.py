"""What FireLens adds to a task beside the configuration's text."""

import pytest

from pillion.core.inputs.references import parse_object_arn
from pillion.core.plan.model import Bind, LogPlan, NetworkMode
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, LogConfiguration, TaskDefinition
from pillion.sidecars.firelens.errors import FirelensError
from pillion.sidecars.firelens.plan import (
    FirelensPlan,
    FirelensSettings,
    Owner,
    RoutedContainer,
    RouterSecret,
    plan_firelens,
)
from sidecars.firelens.definitions import API_KEY, CLOUDWATCH, DAEMON, IDENTITY, app, router, task

SETTINGS = FirelensSettings(folder="/state/0123")
TAG = f"app-firelens-{IDENTITY.task_id}"
DOCKER = {
    "fluentd-address": "unix:///state/0123/socket/fluent.sock",
    "tag": TAG,
    "fluentd-async": "true",
    "fluentd-sub-second-precision": "true",
}


def planned(
    definition: TaskDefinition,
    mode: NetworkMode = NetworkMode.AWSVPC,
    settings: FirelensSettings = SETTINGS,
) -> FirelensPlan:
    plan = plan_firelens(definition, IDENTITY, mode, settings)
    assert plan is not None
    return plan


def test_a_task_without_a_router_has_no_firelens() -> None:
    assert plan_firelens(task(app()), IDENTITY, NetworkMode.AWSVPC, SETTINGS) is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (
            NetworkMode.AWSVPC,
            RoutedContainer(
                log=LogPlan(driver="fluentd", options=DOCKER),
                environment={"FLUENT_HOST": "127.0.0.1", "FLUENT_PORT": "24224"},
            ),
        ),
        (
            NetworkMode.BRIDGE,
            RoutedContainer(
                log=LogPlan(driver="fluentd", options=DOCKER),
                environment={"FLUENT_PORT": "24224"},
                needs_router_address=True,
            ),
        ),
        (NetworkMode.HOST, RoutedContainer(log=LogPlan(driver="fluentd", options=DOCKER), environment={})),
    ],
)
def test_a_container_gets_dockers_driver_and_the_routers_address(
    mode: NetworkMode, expected: RoutedContainer
) -> None:
    assert planned(task(router(), app(**CLOUDWATCH)), mode).routed == {"app": expected}


def test_only_the_buffer_limit_reaches_docker() -> None:
    plan = planned(
        task(router(), app(Name="stdout", mode="non-blocking", **{"log-driver-buffer-limit": "2048"}))
    )
    assert plan.routed["app"].log.options == {**DOCKER, "fluentd-buffer-limit": "2048"}
    assert plan.configuration.outputs[0].options == {"mode": "non-blocking"}


def test_the_lossless_mode_and_the_option_of_an_old_docker() -> None:
    settings = FirelensSettings(
        folder="/state/0123", asynchronous=False, async_option="fluentd-async-connect"
    )
    options = planned(task(router(), app()), settings=settings).routed["app"].log.options
    assert {key: value for key, value in options.items() if "async" in key} == {
        "fluentd-async-connect": "false"
    }


def test_only_without_a_queue_a_dead_router_is_given_up_after_some_milliseconds() -> None:
    retries = {"fluentd-max-retries": "10", "fluentd-retry-wait": "5ms"}
    lossless = planned(
        task(router(), app()), settings=FirelensSettings(folder="/state/0123", asynchronous=False)
    )
    assert lossless.routed["app"].log.options == {**DOCKER, "fluentd-async": "false", **retries}
    assert planned(task(router(), app())).routed["app"].log.options == DOCKER


def test_the_router_mounts_its_configuration_and_the_sockets_folder() -> None:
    s3 = router(config_file_type="s3", config_file_value="arn:aws:s3:::conf/extra.conf")
    bit, fluentd = planned(task(s3)), planned(task(router(DAEMON)))
    assert bit.binds == (
        Bind(host_path="/state/0123/config/fluent.conf", container_path="/fluent-bit/etc/fluent-bit.conf"),
        Bind(host_path="/state/0123/config/external.conf", container_path="/fluent-bit/etc/external.conf"),
        Bind(host_path="/state/0123/socket", container_path="/var/run/"),
    )
    assert bit.options.s3 == parse_object_arn("arn:aws:s3:::conf/extra.conf")
    assert fluentd.binds == (
        Bind(host_path="/state/0123/config/fluent.conf", container_path="/fluentd/etc/fluent.conf"),
        Bind(host_path="/state/0123/socket", container_path="/var/run/"),
    )


def test_only_fluentd_has_to_be_root() -> None:
    assert (planned(task(router(DAEMON))).environment, planned(task(router())).environment) == (
        {"FLUENT_UID": "0"},
        {},
    )


def test_secret_options_are_numbered_by_their_container() -> None:
    plan = planned(task(app("a", API_KEY, Name="datadog"), router(), app("b", API_KEY, Name="datadog")))
    assert plan.secrets == (
        RouterSecret(variable="apikey_0", container="a", option="apikey"),
        RouterSecret(variable="apikey_2", container="b", option="apikey"),
    )


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        (None, None),
        ("", None),
        ("0", Owner(uid=0)),
        ("1000:1001", Owner(uid=1000, gid=1001)),
        ("1000:staff", Owner(uid=1000)),
    ],
)
def test_the_socket_belongs_to_the_routers_user(user: str | None, owner: Owner | None) -> None:
    assert planned(task(router(user=user))).socket_owner == owner


@pytest.mark.parametrize("value", ["true", "1", "t", "T", "TRUE", "True"])
def test_metadata_is_on_for_what_go_reads_as_true(value: str) -> None:
    assert planned(task(router(enable_ecs_log_metadata=value))).configuration.metadata


@pytest.mark.parametrize("value", ["false", "0", "yes", "on", "", "tRUE"])
def test_metadata_is_off_for_everything_else(value: str) -> None:
    assert not planned(task(router(enable_ecs_log_metadata=value))).configuration.metadata


MISSING_NAME = "missing output key Name which is required for firelens configuration of type fluentbit"
SPLUNK = ContainerDefinition(
    name="other", log_configuration=LogConfiguration(log_driver=LogDriver.SPLUNK, secret_options=(API_KEY,))
)


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (task(router(), app(region="eu-west-1")), MISSING_NAME),
        (task(router(), app(name="stdout")), MISSING_NAME),
        (task(router(), app("app", API_KEY)), MISSING_NAME),
        (task(router(), SPLUNK), MISSING_NAME),
        (
            task(router(DAEMON), app(Name="stdout")),
            "missing output key @type which is required for firelens configuration of type fluentd",
        ),
        (task(router(config_file_type="git", config_file_value="x")), "invalid config-file-type git"),
        (task(router(config_file_type="s3")), "config-file-value"),
        (task(router(config_file_type="s3", config_file_value="s3://b/k")), "is not the ARN of an S3 object"),
        (task(router(user="fluent")), "user fluent of the log router is not numeric"),
    ],
)
def test_what_ecs_refuses_is_refused_with_its_text(definition: TaskDefinition, text: str) -> None:
    with pytest.raises(FirelensError) as caught:
        planned(definition)
    assert text in str(caught.value)


def test_a_socket_path_that_linux_cannot_take_is_refused_early() -> None:
    with pytest.raises(FirelensError, match="too long for Linux"):
        planned(task(router()), settings=FirelensSettings(folder="/" + "x" * 100))
