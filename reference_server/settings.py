"""What an operator can set, by environment (`WSPROOF_SERVER_...`) or by the options of `wsproof serve`."""

import json
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from .close_codes import sendable_code

ENVIRONMENT_PREFIX = "WSPROOF_SERVER_"

KIB = 1024
MIB = 1024 * KIB


class Denial(StrEnum):
    """How a refused application-level handshake looks on the wire."""

    CLOSE = "close"
    """101, then Close 1008: what the FastAPI documentation promises."""
    HTTP = "http"
    """HTTP 403 and no 101: what raising before accept() does."""


class Settings(BaseSettings):
    """Settings of one reference application. Sizes are bytes, times are seconds."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid")

    denial: Denial = Denial.CLOSE
    origins: tuple[str, ...] = ()
    """The values of Origin that are let in; empty lets in all. A request without Origin is no browser's: let in."""
    max_message: int = Field(default=16 * MIB, ge=1)
    """The largest message; a larger one is answered with Close 1009. Kept by the WebSocket stack."""
    outbox_messages: int = Field(default=1024, ge=1)
    outbox_bytes: int = Field(default=2 * MIB, ge=1)
    """A chat member with more than this unsent is slow, and is closed."""
    overflow_code: Annotated[int, AfterValidator(sendable_code)] = 1013
    """The close code for a slow chat member (RFC 6455 section 7.4)."""
    send_timeout: float = Field(default=5.0, gt=0)
    """A chat member whose socket takes nothing for so long is slow as well."""
    close_timeout: float = Field(default=5.0, gt=0)
    """The longest that a Close may wait for room in a full socket."""

    def environment(self) -> dict[str, str]:
        """Return the environment variables that give another process the same settings."""
        return {
            ENVIRONMENT_PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
            for name, value in self.model_dump(mode="json").items()
        }
