"""Switches: the items do not answer, or let in, as their documentation says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from .app import App
from .contract_app import ITEM
from .request import Refusal, Request
from .switch import switch

if TYPE_CHECKING:
    from .connection import Connection

# Who is let in


@switch("items-open-to-all", violates=["contract:items-denied"], also=["contract:items-let-in"])
class ItemsOpenToAll(App):
    """Neither a cookie nor a token is needed."""

    def credential(self, request: Request) -> str | None:
        return super().credential(request) or "nobody"


@switch("items-cookie-not-read", violates=["contract:items-let-in"], also=["contract:items-credential"])
class ItemsCookieNotRead(App):
    """The cookie is not looked at."""

    def cookie(self, request: Request) -> str | None:
        return None


@switch("items-long-token-refused", violates=["contract:items-let-in"], also=["contract:items-credential"])
class ItemsLongTokenRefused(App):
    """A token of more than eight characters is taken for none."""

    def token(self, request: Request) -> str | None:
        token = super().token(request)
        return token if token is None or len(token) <= 8 else None


@switch("items-closed-with-1000", violates=["contract:items-denial-form"])
class ItemsClosedWith1000(App):
    """One without a credential is closed as if all were well."""

    def denial_code(self) -> int:
        return 1000


@switch("items-wrong-query-is-an-error", violates=["contract:items-denial-form"])
class ItemsWrongQueryIsAnError(App):
    """A wrong number is closed as a fault of the server's own."""

    def wrong_number_code(self) -> int:
        return 1011


@switch("items-refused-by-http", violates=["contract:items-denial-form"])
class ItemsRefusedByHttp(App):
    """One without a credential is refused before the 101, although the profile says otherwise."""

    def check_policy(self, request: Request) -> None:
        super().check_policy(request)
        if ITEM.fullmatch(request.path) and self.credential(request) is None:
            raise Refusal(403, "a cookie or a token is needed")


@switch("items-wrong-query-taken", violates=["contract:items-wrong-query"])
class ItemsWrongQueryTaken(App):
    """A query parameter that is no number counts as absent."""

    def number(self, request: Request) -> int | None:
        try:
            return super().number(request)
        except ValueError:
            return None


# What is answered


@switch("items-token-beats-cookie", violates=["contract:items-credential"])
class ItemsTokenBeatsCookie(App):
    """Where both are given the token counts."""

    def credential(self, request: Request) -> str | None:
        return self.token(request) or self.cookie(request) or None


@switch("items-token-in-lower-case", violates=["contract:items-credential"])
class ItemsTokenInLowerCase(App):
    """A token is shown in lower case, and without what is no ASCII."""

    def token(self, request: Request) -> str | None:
        token = super().token(request)
        return token and token.lower().encode("ascii", "ignore").decode()


@switch("items-query-always-answered", violates=["contract:items-query"])
class ItemsQueryAlwaysAnswered(App):
    """The answer to the query parameter comes without it, too."""

    def item_answers(self, connection: Connection, text: str) -> list[str]:
        answers = super().item_answers(connection, text)
        return answers if len(answers) == 3 else [answers[0], "Query parameter q is: None", *answers[1:]]


@switch("items-zero-unanswered", violates=["contract:items-query"])
class ItemsZeroUnanswered(App):
    """A query parameter of 0 counts as absent."""

    def number(self, request: Request) -> int | None:
        return super().number(request) or None


@switch("items-query-without-sign", violates=["contract:items-query"])
class ItemsQueryWithoutSign(App):
    """The sign of the query parameter is lost."""

    def number_answer(self, number: int) -> str:
        return super().number_answer(abs(number))


@switch("items-item-before-credential", violates=["contract:items-order"])
class ItemsItemBeforeCredential(App):
    """The answers come the other way round."""

    def item_answers(self, connection: Connection, text: str) -> list[str]:
        return super().item_answers(connection, text)[::-1]


@switch("items-drop-the-third", violates=["contract:items-order"])
class ItemsDropTheThird(App):
    """The third message of a connection gets no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()

    def item_answers(self, connection: Connection, text: str) -> list[str]:
        self.counts[connection] = self.counts.get(connection, 0) + 1
        return super().item_answers(connection, text) if self.counts[connection] != 3 else []


@switch("items-credential-told-once", violates=["contract:items-order"])
class ItemsCredentialToldOnce(ItemsDropTheThird):
    """The credential is shown for the first message only."""

    def item_answers(self, connection: Connection, text: str) -> list[str]:
        answers = App.item_answers(self, connection, text)
        self.counts[connection] = self.counts.get(connection, 0) + 1
        return answers if self.counts[connection] == 1 else answers[1:]


@switch("items-decoded-twice", violates=["contract:items-item"])
class ItemsDecodedTwice(App):
    """The item id is percent-decoded twice."""

    def item_id(self, request: Request) -> str:
        return unquote(super().item_id(request))


@switch("items-plus-is-a-space", violates=["contract:items-item"])
class ItemsPlusIsASpace(App):
    """A plus sign in the path is taken for a space, as in a query."""

    def item_id(self, request: Request) -> str:
        return super().item_id(request).replace("+", " ")


@switch("items-message-stripped", violates=["contract:items-item"])
class ItemsMessageStripped(App):
    """White space around a message is lost."""

    def item_answer(self, text: str, item_id: str) -> str:
        return super().item_answer(text.strip(), item_id)


# Connections at the same time


@switch("items-latest-credential", violates=["contract:items-own"], also=["contract:items-credential"])
class ItemsLatestCredential(App):
    """The credential that is shown is that of the connection which was opened last."""

    latest: Request

    def open_item(self, connection: Connection) -> None:
        super().open_item(connection)
        if self.credential(connection.handshake) is not None:
            self.latest = connection.handshake

    def credential_answer(self, connection: Connection) -> str:
        return f"Session cookie or query token value is: {self.credential(self.latest)}"


@switch("items-latest-item", violates=["contract:items-own"], also=["contract:items-item"])
class ItemsLatestItem(App):
    """The item that is shown is that of the connection which was opened last."""

    latest = ""

    def open_item(self, connection: Connection) -> None:
        super().open_item(connection)
        self.latest = self.item_id(connection.handshake)

    def item_answer(self, text: str, item_id: str) -> str:
        return super().item_answer(text, self.latest)


@switch("items-answers-to-another", violates=["contract:items-own"], also=["contract:items-*"])
class ItemsAnswersToAnother(App):
    """While several connections are open, an answer goes to the one that spoke before."""

    previous: Connection | None = None

    def answer_item(self, connection: Connection, opcode: int, message: bytes) -> None:
        before, self.previous = self.previous, connection
        to = before if before is not None and before is not connection and before.is_open else connection
        for answer in self.item_answers(connection, message.decode()):
            self.send_text(to, answer)
