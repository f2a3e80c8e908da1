"""Settings: a flag wins over the environment, and the environment over the default."""

import os
from pathlib import Path

import pytest

from runstreams.cli import parser
from runstreams.core.limits import Limits
from runstreams.serve.errors import CannotRun
from runstreams.serve.settings import OPTIONS, Option, Settings, check_anonymous, settings_of

GIVEN = {
    "host": ("::1", "::1"),
    "port": ("0", 0),
    "data": ("somewhere", Path("somewhere")),
    "aws": ("yes", True),
    "power_safe": ("1", True),
    "anonymous": ("yes", True),
    "reads_only": ("yes", True),
    "retention_days": ("0.5", 0.5),
    "stream_max_bytes": ("0", 0),
    "allowed_origins": (
        "https://a.example, https://b.example",
        ("https://a.example", "https://b.example"),
    ),
    "run_max_streams": ("7", 7),
    "inline_bytes": ("0", 0),
    "poll_ms": ("50", 50),
    "epoch": ("2", 2),
    "token_max_readers": ("0", 0),
    "workers": ("3", 3),
    "log_level": ("DEBUG", "debug"),
    "ready_file": ("ready", Path("ready")),
}
"""A value for every setting, as it is given and as it is understood."""


def serve(*flags: str, **environ: str) -> Settings:
    return settings_of(parser().parse_args(["serve", *flags]), environ)


def test_the_defaults_are_the_documented_ones() -> None:
    assert serve() == Settings()
    assert Settings().limits() == Limits()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_setting_is_taken_from_the_environment(option: Option) -> None:
    text, value = GIVEN[option.name]
    assert getattr(serve(**{option.variable: text}), option.name) == value


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_flag_wins_over_the_environment(option: Option) -> None:
    text, value = GIVEN[option.name]
    flags = [option.flag] if option.value is None else [option.flag, text]
    other = "false" if option.value is None else str(getattr(Settings(), option.name))
    assert getattr(serve(*flags, **{option.variable: other}), option.name) == value


def test_a_switch_of_the_environment_is_turned_off_by_its_flag() -> None:
    assert serve("--no-aws", RUNSTREAMS_AWS="true").aws is False


def test_an_empty_variable_counts_as_not_set() -> None:
    assert serve(RUNSTREAMS_PORT="") == Settings()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("RUNSTREAMS_PORT", "http"),
        ("RUNSTREAMS_PORT", "65536"),
        ("RUNSTREAMS_RETENTION_DAYS", "0"),
        ("RUNSTREAMS_RETENTION_DAYS", "nan"),
        ("RUNSTREAMS_STREAM_MAX_BYTES", "-1"),
        ("RUNSTREAMS_POWER_SAFE", "perhaps"),
        ("RUNSTREAMS_LOG_LEVEL", "loud"),
        ("RUNSTREAMS_ALLOWED_ORIGINS", "app.example"),
        ("RUNSTREAMS_ALLOWED_ORIGINS", "https://*.app.example"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(variable: str, text: str) -> None:
    with pytest.raises(CannotRun, match=f"^{variable}: "):
        serve(**{variable: text})


@pytest.mark.parametrize("scheme", ["tcp", "udp", "sctp"])
def test_a_port_that_kubernetes_puts_there_is_passed_over_with_a_line(
    scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As it does where a Service is called runstreams."""
    assert serve(RUNSTREAMS_PORT=f"{scheme}://10.0.0.1:8787") == Settings()
    [told] = caplog.messages
    assert "RUNSTREAMS_PORT=" in told


def test_origins_are_taken_as_browsers_send_them() -> None:
    settings = serve("--allowed-origins", "HTTPS://App.Example:443/, http://localhost:5173")
    assert settings.allowed_origins == ("https://app.example", "http://localhost:5173")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_whoever_has_no_key_is_served_on_this_machine_alone(host: str) -> None:
    check_anonymous(Settings(anonymous=True))
    check_anonymous(Settings(host=host))
    with pytest.raises(CannotRun, match="only this machine"):
        check_anonymous(Settings(anonymous=True, host=host))


def test_a_flag_that_makes_no_sense_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve("--port", "-1")
    assert "argument --port: -1 is not between 0 and 65535" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen here")
def test_auto_counts_the_processors_that_may_be_used() -> None:
    all_of_them = os.sched_getaffinity(0)
    assert serve("--workers", "auto").workers == len(all_of_them)
    os.sched_setaffinity(0, {min(all_of_them)})
    try:
        assert serve("--workers", "auto").workers == 1
    finally:
        os.sched_setaffinity(0, all_of_them)
