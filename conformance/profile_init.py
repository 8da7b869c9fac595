"""A first profile from what was found out about a target: what is known is filled in, the rest stands as comments."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .discovered import Discovered
from .endpoint import Endpoint
from .wire.frames import Opcode

PARTS = """
# How one who is not let in is told: "close" is 101 and then Close, "http" is an HTTP error, "any" is either.
# denial = "any"

# The exchange that makes a connection usable, in order; {any} stands for any text. Values from the environment are
# written ${NAME} and never shown.
# [[login]]
# send = "hello ${NAME}"
# expect = "welcome{any}"

# Who is let in to an item, and what each message is answered with.
# [items]
# path = "/items/{item_id}/ws"
# cookie = "session"                  # its name; leave out what there is not
# token = "token"                     # the name of the query parameter
# accepted = ["${NAME}"]              # the credentials that let in; without it any does
# first = "cookie"                    # which of the two counts where both are given
# query = "q"                         # an optional whole number
# close_code = 1008
# status = 403
# answers = [
#     { text = "Session cookie or query token value is: {credential}" },
#     { text = "Query parameter q is: {q}", only_with_query = true },
#     { text = "Message text was: {message}, for item ID: {item_id}" },
# ]

# A chat: what the sender and the others get.
# [chat]
# path = "/ws/{client_id}"
# room_path = "/ws/{client_id}?room={room}"
# own = "You wrote: {message}"
# others = "Client #{client_id} says: {message}"
# left = "Client #{client_id} left the chat"
"""


def profile_text(endpoint: Endpoint, found: Discovered, version: str) -> str:
    """The profile file for a target. The values of header fields and cookies are not written: they may be secret."""
    path = endpoint.redactor().text(endpoint.target)
    server = " ".join((found.server or "the server").split())
    base = f"{'wss' if endpoint.secure else 'ws'}://{endpoint.host_field}"
    lines = [
        f"# What {server} promises. Written by wsproof {version} from what it saw; mend what is wrong.",
        "# Every path is below the base URL:",
        f"#     wsproof check {base} --profile THIS-FILE",
        "",
        f"name = {quoted(endpoint.host)}",
        *_carried(endpoint.fields),
        "",
        "[paths]",
        f"echo = {quoted(path)}",
        '# unavailable = "/no/such/path"      # one that does not exist',
        '# refused = "/private"               # one that refuses the handshake, for want of credentials say',
        "",
        *_echo(path, found),
    ]
    return "\n".join(lines) + "\n" + PARTS


def _carried(fields: Sequence[tuple[str, str]]) -> list[str]:
    """Header fields that the handshakes carried, their values left to the environment."""
    if not fields:
        return ["", "# Fields for every handshake.", "# [headers]", '# Authorization = "Bearer ${NAME}"']
    lines = [
        "",
        "# The handshakes carried these. Put each value into the environment, and remove the mark.",
        "# [headers]",
    ]
    return lines + [f'# {name} = "${{{name.upper().replace("-", "_")}}}"' for name, _ in fields]


def _echo(path: str, found: Discovered) -> list[str]:
    notes = []
    if found.greetings:
        notes.append(f"# It sends {found.greetings} of its own after the handshake, which are read before each check.")
    if found.chatty:
        notes.append("# It sends messages of its own now and then.")
    if found.echo is None:
        return [*notes, "# It was not seen to echo.", "# [echo]", '# path = "/ws"', '# text = "{message}"']
    try:
        text = f"{_template(found.echo.prefix)}{{message}}{_template(found.echo.suffix)}"
    except UnicodeDecodeError:
        return [*notes, "# Its echo has a wording that is no UTF-8."]
    lines = [*notes, "# What the echo answers; {message} stands for the message.", "[echo]", f"path = {quoted(path)}"]
    lines.append(f"text = {quoted(text)}")
    if found.echo.binary == Opcode.BINARY:
        lines += [f"binary_path = {quoted(path)}", 'binary = "{message}"']
    else:
        lines += ['# binary_path = "/ws/bytes"', '# binary = "{message}"']
    return [*lines, '# json_path = "/ws/json"', '# json_answer = \'{"message": "{value}"}\'']


def _template(part: bytes) -> str:
    return part.decode().replace("{", "{{").replace("}", "}}")


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
