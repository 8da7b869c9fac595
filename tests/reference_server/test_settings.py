"""Settings come from the environment, and can be handed to another process."""

import pytest
from pydantic import ValidationError

from wsproof.reference_server.settings import Denial, Settings


def test_the_defaults() -> None:
    settings = Settings()
    assert settings.denial is Denial.CLOSE
    assert settings.origins == ()
    assert (settings.outbox_messages, settings.outbox_bytes, settings.overflow_code) == (1024, 2 * 2**20, 1013)
    assert settings.max_message == 16 * 2**20


def test_the_environment_of_settings_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(denial=Denial.HTTP, origins=("https://a", "b,c"), outbox_messages=3, send_timeout=0.25)
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


@pytest.mark.parametrize(
    ("name", "value"),
    [("denial", "maybe"), ("outbox_messages", 0), ("overflow_code", 1005), ("overflow_code", 999), ("unknown", 1)],
)
def test_what_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: value})
