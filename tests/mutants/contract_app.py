"""The echo in its three forms and the items, as a profile promises them. Each rule has a method of its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from .frames import BINARY, TEXT
from .request import Request

if TYPE_CHECKING:
    from .connection import Connection

ITEM: Final = re.compile(r"/items/([^/]+)/ws", re.DOTALL)
"""The path of an item."""
POLICY: Final = 1008


class ContractApp:
    """The part of the application that a documentation describes."""

    # The echo

    def text_answer(self, text: str) -> str:
        """The wording around a text."""
        return f"Message text was: {text}"

    def echo_text(self, connection: Connection, opcode: int, message: bytes) -> None:
        """Answer a text; anything else is not taken."""
        if opcode == TEXT:
            self.send_text(connection, self.text_answer(message.decode()))
        else:
            connection.start_close(1003, "text is taken here")

    def binary_answer(self, message: bytes) -> bytes:
        """The wording around a binary message."""
        return b"Message bytes were: " + message

    def echo_binary(self, connection: Connection, opcode: int, message: bytes) -> None:
        """Answer a binary message; anything else is not taken."""
        if opcode == BINARY:
            connection.send_message(BINARY, self.binary_answer(message))
        else:
            connection.start_close(1003, "binary messages are taken here")

    def json_answer(self, value: Any) -> Any:
        """What a JSON value is answered with."""
        return {"message": value}

    def echo_json(self, connection: Connection, opcode: int, message: bytes) -> None:
        """Answer JSON; anything else is not taken."""
        try:
            value = json.loads(message)
        except ValueError:
            connection.start_close(1007, "JSON is taken here")
            return
        self.send_text(connection, self.json_text(self.json_answer(value)))

    def json_text(self, value: Any) -> str:
        """JSON as text."""
        return json.dumps(value)

    # The items

    def item_id(self, request: Request) -> str:
        """The item's id, decoded once."""
        match = ITEM.fullmatch(request.path)
        assert match is not None
        return match[1]

    def cookie(self, request: Request) -> str | None:
        """The cookie that lets in."""
        pairs = (pair.strip().partition("=") for line in request.lines("cookie") for pair in line.split(";"))
        return next((value for name, _, value in pairs if name == "session"), None)

    def token(self, request: Request) -> str | None:
        """The query parameter that lets in."""
        return request.query.get("token")

    def credential(self, request: Request) -> str | None:
        """The cookie, else the token; None where nobody is let in. An empty one does not count."""
        return self.cookie(request) or self.token(request) or None

    def number(self, request: Request) -> int | None:
        """The optional whole number. ValueError where it is none."""
        text = request.query.get("q")
        return None if text is None else int(text)

    def open_item(self, connection: Connection) -> None:
        """Send away who is not let in."""
        try:
            self.number(connection.handshake)
        except ValueError:
            connection.start_close(self.wrong_number_code(), "q is no whole number")
            return
        if self.credential(connection.handshake) is None:
            connection.start_close(self.denial_code(), "a cookie or a token is needed")

    def denial_code(self) -> int:
        """The close code for one without a credential."""
        return POLICY

    def wrong_number_code(self) -> int:
        """The close code for a q that is no whole number."""
        return POLICY

    def answer_item(self, connection: Connection, opcode: int, message: bytes) -> None:
        """Answer a text."""
        for answer in self.item_answers(connection, message.decode()):
            self.send_text(connection, answer)

    def item_answers(self, connection: Connection, text: str) -> list[str]:
        """The two or three answers to a text, in their order."""
        request = connection.handshake
        answers = [self.credential_answer(connection)]
        if (number := self.number(request)) is not None:
            answers.append(self.number_answer(number))
        return [*answers, self.item_answer(text, self.item_id(request))]

    def credential_answer(self, connection: Connection) -> str:
        """Which credential opened the connection."""
        return f"Session cookie or query token value is: {self.credential(connection.handshake)}"

    def number_answer(self, number: int) -> str:
        """The number."""
        return f"Query parameter q is: {number}"

    def item_answer(self, text: str, item_id: str) -> str:
        """The text and the item."""
        return f"Message text was: {text}, for item ID: {item_id}"

    # What both use

    def send_text(self, connection: Connection, text: str) -> None:
        """Send one answer."""
        connection.send_message(TEXT, text.encode())
