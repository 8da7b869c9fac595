"""Drawing opening handshakes: legal variations of the plain one, and the one fault that makes one illegal.

Each shrinks towards the plain handshake and towards the simplest fault of its kind. Heads stay below 4 KiB, because
many servers take no more than 8 KiB (RFC 9110, section 5.4 lets them).
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .checks._handshake_fault import FAULTS, Fault, FaultKind, key_of
from .checks._handshake_variation import (
    EMPTY_LINE,
    OWN,
    UPGRADE,
    VERSION,
    Aspect,
    Cut,
    Further,
    Place,
    Spelling,
    Variation,
)

NAME_CHARACTERS: Final = string.ascii_letters + string.digits + "-_.~!#$%&'*+^`|"  # tchar, RFC 9110, 5.6.2
VALUE_CHARACTERS: Final = string.ascii_letters + string.digits + " \t" + string.punctuation
COOKIE_CHARACTERS: Final = string.ascii_letters + string.digits + "!#$%&'()*+-./:<=>?@[]^_`{|}~"  # RFC 6265, 4.1.1
QUERY_PIECES: Final = (*"a0Z-._~!$'()*+,;:@/?=", "%41", "%20", "%23", "%25", "%2F", "%c3%a9", "&wsproof2=")
BROWSERS: Final = (
    ("Pragma", "no-cache"),
    ("Cache-Control", "no-cache"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "de-CH,de;q=0.8"),
    ("DNT", "1"),
)
"""Fields that browsers send along."""
REPEATS: Final = (1, 2, 30, 150)
"""How often a further field's text, of 12 octets at most, stands in its value."""
OTHER_OPTIONS: Final = ("keep-alive", "x-wsproof", "x-upgrade")


def _maybe(strategy: SearchStrategy[Any], default: Any) -> SearchStrategy[Any]:
    """Every other time the default, to which it shrinks."""
    return st.one_of(st.just(default), strategy)


def keys() -> SearchStrategy[str]:
    """Sec-WebSocket-Key: any 16 octets in base64."""
    return st.binary(min_size=16, max_size=16).map(key_of)


def orders() -> SearchStrategy[tuple[int, ...]]:
    """OWN in any order."""
    return st.permutations(range(len(OWN))).map(tuple)


def spellings() -> SearchStrategy[tuple[Spelling, ...]]:
    """A spelling for each name of OWN."""
    return st.tuples(*[st.sampled_from(tuple(Spelling))] * len(OWN))


def protocol_names() -> SearchStrategy[str]:
    """``websocket`` in any case."""
    usual = st.sampled_from(("websocket", "WebSocket", "WEBSOCKET", "Websocket"))
    return usual | st.integers(0, 2**9 - 1).map(lambda capitals: _with_capitals("websocket", capitals))


def _with_capitals(word: str, capitals: int) -> str:
    return "".join(char.upper() if capitals >> place & 1 else char for place, char in enumerate(word))


@st.composite
def _options(draw: Callable[[SearchStrategy[Any]], Any]) -> list[str]:
    """Connection options with Upgrade among them."""
    options: list[str] = draw(st.lists(st.sampled_from(OTHER_OPTIONS), max_size=3, unique=True))
    place = draw(st.integers(0, len(options)))
    upgrade = draw(st.sampled_from(("Upgrade", "upgrade", "UPGRADE")) | _cased("upgrade"))
    return [*options[:place], upgrade, *options[place:]]


def _cased(word: str) -> SearchStrategy[str]:
    return st.integers(0, 2 ** len(word) - 1).map(lambda capitals: _with_capitals(word, capitals))


def option_lists() -> SearchStrategy[tuple[str, ...]]:
    """Connection: Upgrade among other options, in one line."""
    comma = st.sampled_from((", ", ",", " ,", " , ", ",\t"))
    return st.builds(lambda options, comma: (comma.join(options),), _options(), comma)


def option_lines() -> SearchStrategy[tuple[str, ...]]:
    """Connection: Upgrade among other options, on two lines or more."""
    return _options().map(lambda options: tuple(options) if len(options) > 1 else (OTHER_OPTIONS[0], *options))


@st.composite
def gaps(draw: Callable[[SearchStrategy[Any]], Any]) -> tuple[str, ...]:
    """Connection: a list with up to three empty elements."""
    elements = list(draw(_options()))
    for _ in range(draw(st.integers(1, 3))):
        elements.insert(draw(st.integers(0, len(elements))), "")
    return (draw(st.sampled_from((",", ", ", " ,"))).join(elements),)


@st.composite
def protocol_lists(draw: Callable[[SearchStrategy[Any]], Any]) -> tuple[str, ...]:
    """Upgrade: websocket among other protocols, on one line or several."""
    others: list[str] = draw(
        st.lists(st.sampled_from(("foo/1", "foo", "x-wsproof/2.0")), min_size=1, max_size=2, unique=True)
    )
    place = draw(st.integers(0, len(others)))
    names = [*others[:place], draw(protocol_names()), *others[place:]]
    return tuple(names) if draw(st.booleans()) else (", ".join(names),)


def _spaces(*, after: bool) -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """White space before each value of OWN, and with ``after`` behind it too; one value at least has some there."""
    before = st.sampled_from((" ", "", "  ", "\t", " \t "))
    behind = st.sampled_from(("", " ", "\t", "  ", "\t \t")) if after else st.just("")
    spaces = st.tuples(*[st.tuples(before, behind)] * len(OWN))
    return spaces.filter(lambda pairs: any(pair[1] for pair in pairs)) if after else spaces


def further_fields() -> SearchStrategy[Further]:
    """A field of no meaning to the handshake."""
    before = st.integers(0, len(OWN))
    own = st.builds(
        Further,
        st.text(NAME_CHARACTERS, max_size=12).map(lambda rest: f"X-Wsproof-{rest}"),
        st.text(VALUE_CHARACTERS, max_size=12),
        st.sampled_from(REPEATS),
        before,
    )
    others = st.sampled_from((("Sec-WebSocket-Foo", "1"), ("Sec-WebSocket", "1"), ("X-Upgrade", "foo"), *BROWSERS))
    return own | st.builds(lambda pair, place: Further(pair[0], pair[1], 1, place), others, before)


def cookies() -> SearchStrategy[tuple[str, ...]]:
    """Cookies that nobody has set."""
    pair = st.builds(
        lambda name, value: f"wsproof-{name}={value}",
        st.text(string.ascii_lowercase, max_size=4),
        st.text(COOKIE_CHARACTERS, max_size=20),
    )
    return st.lists(pair, min_size=1, max_size=3).map(tuple)


def queries() -> SearchStrategy[str]:
    """A query with a parameter that no application knows."""
    return st.lists(st.sampled_from(QUERY_PIECES), max_size=8).map(lambda pieces: "wsproof=" + "".join(pieces))


def cuts() -> SearchStrategy[tuple[Cut, ...]]:
    """Where TCP parts the head: one to three places."""
    cut = st.builds(Cut, st.integers(0, EMPTY_LINE), st.sampled_from(tuple(Place)))
    return st.lists(cut, min_size=1, max_size=3, unique=True).map(tuple)


def extensions() -> SearchStrategy[tuple[str, ...]]:
    """Offers of extensions that no server knows, on one line or several."""
    value = st.sampled_from(("", "=1", '="1"', "=a-b", ' = "x"'))
    parameter = st.builds(lambda name, value: f"; {name}{value}", st.sampled_from(("p", "q", "x_y")), value)
    offer = st.builds(
        lambda name, parameters: name + "".join(parameters),
        st.sampled_from(("x-unknown", "y-wsproof", "x-permessage-deflate")),
        st.lists(parameter, max_size=3, unique_by=lambda text: text[2]),
    )
    line = st.lists(offer, min_size=1, max_size=3).map(", ".join)
    return st.lists(line, min_size=1, max_size=3).map(tuple)


def variations(focus: Aspect | None = None) -> SearchStrategy[Variation]:
    """Legal handshakes. With a ``focus`` each has that and little else, so that a refusal can be put down to it."""
    parts: dict[str, SearchStrategy[Any]] = {
        "order": _maybe(orders(), (0, 1, 2, 3, 4)),
        "cuts": _maybe(cuts(), ()),
        "further": st.lists(further_fields(), max_size=2).map(tuple),
    }
    match focus:
        case None:
            parts |= {
                "key": _maybe(keys(), Variation().key),
                "names": _maybe(spellings(), Variation().names),
                "upgrade": _maybe(protocol_names().map(lambda name: (name,)), ("websocket",)),
                "connection": _maybe(option_lists(), ("Upgrade",)),
                "space": _maybe(_spaces(after=False), Variation().space),
                "cookies": _maybe(cookies(), ()),
                "query": _maybe(queries(), ""),
            }
        case Aspect.PROTOCOLS:
            parts["upgrade"] = protocol_lists()
        case Aspect.OPTION_LINES:
            parts["connection"] = option_lines()
        case Aspect.GAPS:
            parts["connection"] = gaps()
        case Aspect.SPACE_AFTER:
            parts["space"] = _spaces(after=True)
        case Aspect.EXTENSIONS:
            parts["extensions"] = extensions()
        case _:
            raise ValueError(f"{focus} is tried among others")
    return st.builds(Variation, **parts)


# -- faults --------------------------------------------------------------------------------------------------------


def _texts(kind: FaultKind) -> SearchStrategy[str]:
    """The text of a fault of that kind."""
    match kind:
        case FaultKind.OTHER_PROTOCOL:
            return st.sampled_from(("foo", "h2c", "websocketx", "web socket", "websocke", "xwebsocket", "web-socket"))
        case FaultKind.OTHER_OPTION:
            options = st.lists(
                st.sampled_from(("keep-alive", "x-wsproof", "close")), min_size=1, max_size=3, unique=True
            )
            return options.map(", ".join)
        case FaultKind.LIKE_THE_OPTION:
            alike = st.sampled_from(("notupgrade", "upgraded", "up-grade", "x-upgrade", "Upgrade-Insecure"))
            before = st.lists(st.sampled_from(("keep-alive", "x-wsproof")), max_size=2, unique=True)
            return st.builds(lambda others, option: ", ".join([*others, option]), before, alike)
        case FaultKind.KEY_LENGTH:
            lengths = st.sampled_from((0, 15, 17, 32)) | st.integers(0, 40).filter(lambda length: length != 16)
            return st.builds(lambda length, octet: key_of(bytes([octet]) * length), lengths, st.integers(0, 255))
        case FaultKind.KEY_CHARACTERS:
            replaced = st.builds(
                lambda key, place, char: key[:place] + char + key[place + 1 :],
                keys(),
                st.integers(1, 20),
                st.sampled_from("*!-_ .~"),
            )
            return replaced | keys().map(lambda key: key[:-2] + "=A")
        case FaultKind.MALFORMED_VERSION:
            fixed = st.sampled_from(("", "abc", "013", "+13", "13.0", "256", "-1", "13, 8", "13;q=1", "0x0d", "1 3"))
            return fixed | st.integers(256, 99999).map(str)
        case FaultKind.OTHER_VERSION:
            return st.integers(14, 255).map(str)
        case FaultKind.METHOD:
            return st.sampled_from(("POST", "HEAD", "PUT", "OPTIONS", "WSPROOF", "GETT", "GE"))
        case FaultKind.METHOD_CASE:
            return st.sampled_from(("get", "Get", "gET"))
        case FaultKind.HTTP_1_0:
            return st.just("HTTP/1.0")
        case FaultKind.INVALID_HOST:
            return st.sampled_from(("a b", "a:b:c", "[::1"))
        case FaultKind.SPACE_BEFORE_COLON:
            return st.sampled_from((" ", "\t", "  "))
        case FaultKind.NO_COLON:
            return st.sampled_from(("wsproof", "Upgrade", "Upgrade websocket", "x-wsproof=1"))
        case FaultKind.SPACE_FIRST:
            return st.sampled_from((" ", "\t"))
        case FaultKind.REQUEST_LINE:
            return st.sampled_from(("GET TARGET?a b HTTP/1.1", "GET TARGET HTTP/1.1 more", "GET more TARGET HTTP/1.1"))
        case FaultKind.HTTP_VERSION:
            return st.sampled_from(("http/1.1", "HTTP/11", "Http/1.1", "HTTP/1,1"))
        case FaultKind.SECOND_HOST:
            return st.sampled_from(("", "other.invalid"))
        case FaultKind.SECOND_KEY:
            return st.just("") | keys()
        case FaultKind.SECOND_VERSION:
            return st.sampled_from(("", "8"))
        case _:
            return st.just("")


def _places(kind: FaultKind) -> SearchStrategy[int]:
    match kind:
        case FaultKind.SPACE_BEFORE_COLON:
            return st.integers(0, len(OWN))
        case FaultKind.SPACE_FIRST:
            return st.integers(UPGRADE, VERSION)
        case FaultKind.NO_COLON | FaultKind.SECOND_HOST | FaultKind.SECOND_KEY | FaultKind.SECOND_VERSION:
            return st.integers(0, 8)
        case _:
            return st.just(0)


def faults(group: str) -> SearchStrategy[Fault]:
    """Faults of that group of FAULTS, each kind as often as another."""
    kinds: Sequence[FaultKind] = tuple(FAULTS[group])
    return st.one_of([st.builds(Fault, st.just(kind), _texts(kind), _places(kind)) for kind in kinds])
