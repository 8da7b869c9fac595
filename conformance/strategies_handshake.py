"""Drawing opening handshakes: legal variations of the plain one, and the one fault that makes one illegal.

Each shrinks towards the plain handshake and towards the simplest fault of its kind. Heads stay below 4 KiB, because
many servers take no more than 8 KiB (RFC 9110, section 5.4 lets them).
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .checks._handshake_fault import FAULTS, Fault, FaultKind, FaultyHandshake, key_of
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
from .strategies_text import text_of

T = TypeVar("T")
NAMES: Final = ("X-Wsproof", "x-wsproof-9", "X_Wsproof", "X.Wsproof", "X!#$%&'*+^`|~", "Sec-WebSocket-Foo", "X-Upgrade")
"""Names that nobody knows, with every tchar that is neither letter nor digit (RFC 9110, section 5.6.2)."""
VALUE_CHARACTERS: Final = string.ascii_letters + string.digits + " \t" + string.punctuation
COOKIE_CHARACTERS: Final = string.ascii_letters + string.digits + "!#$%&'()*+-./:<=>?@[]^_`{|}~"  # RFC 6265, 4.1.1
ESCAPES: Final = ("%41", "%20", "%23", "%25", "%2F", "%c3%a9")
QUERY_PIECES: Final = ("a", "0", *ESCAPES, "&wsproof2=", "+", "=", "?", "/", ":@", "-._~", "!$'()*,;")
BROWSERS: Final = (
    ("Pragma", "no-cache"),
    ("Cache-Control", "no-cache"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "de-CH,de;q=0.8"),
    ("DNT", "1"),
)
"""Fields that browsers send along."""
SIZES: Final = (0, 40, 700, 2000)
"""Octets to which the value of a further field is drawn out; 0: as drawn."""
BEFORE: Final = ((), ("keep-alive",), ("x-wsproof",), ("keep-alive", "x-wsproof"), ("x-wsproof", "x-upgrade"))
AFTER: Final = ((), ("x-other",), ("x-other", "x-last"))
"""Connection options that may stand before and after Upgrade."""
PROTOCOLS_BEFORE: Final = ((), ("foo/1",), ("foo/1", "x-wsproof/2.0"))
PROTOCOLS_AFTER: Final = ((), ("bar",))
FEW_OPTIONS: Final = tuple(
    (line,)
    for line in ("Upgrade", "keep-alive, Upgrade", "Upgrade, x-other", "upgrade", "keep-alive,x-wsproof,UPGRADE")
)
FEW_FIELDS: Final = (
    (),
    (Further("X-Wsproof", "1", 0, 0),),
    (Further("X-Upgrade", "websocket", 0, len(OWN)),),
    (Further("X-Wsproof", "1", 40, VERSION), Further("Sec-WebSocket-Foo", "1", 0, UPGRADE)),
)
FEW_SPELLINGS: Final = (
    (Spelling.USUAL,) * len(OWN),
    *(
        tuple(Spelling.LOWER if place == odd else Spelling.USUAL for place in range(len(OWN)))
        for odd in range(len(OWN))
    ),
    (Spelling.LOWER,) * len(OWN),
    (Spelling.UPPER,) * len(OWN),
)


def _with_gaps(elements: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Those elements with one empty one, or two, at any place."""
    once = [(*elements[:at], "", *elements[at:]) for at in range(len(elements) + 1)]
    twice = [(*gap[:at], "", *gap[at:]) for gap in once for at in range(len(gap) + 1)]
    return tuple(dict.fromkeys([*once, *twice]))


WORD: Final = "*"
"""Stands for Upgrade in the lists below, because its case is drawn by itself."""
LISTS_WITH_GAPS: Final = tuple(
    gaps
    for options in ((WORD,), ("keep-alive", WORD), (WORD, "keep-alive"), ("keep-alive", WORD, "x-wsproof"))
    for gaps in _with_gaps(options)
)
OFFERS: Final = ("x-unknown", "y-wsproof", "x-unknown; p=1", 'y-wsproof; p; q="1"', "x-permessage-deflate; p = a-b; q")


def _maybe(strategy: SearchStrategy[Any], default: Any) -> SearchStrategy[Any]:
    """Every other time the default, to which it shrinks."""
    return st.one_of(st.just(default), strategy)


def keys() -> SearchStrategy[str]:
    """Sec-WebSocket-Key: any 16 octets in base64."""
    return st.binary(min_size=16, max_size=16).map(key_of)


def _odd_keys() -> SearchStrategy[str]:
    """Keys of the two characters that are neither letters nor digits."""
    return st.sampled_from((b"\xff" * 16, b"\xfb\xef\xbe" * 5 + b"\xfb")).map(key_of)


def _cased(word: str, usual: Sequence[str]) -> SearchStrategy[str]:
    """The word in a usual case, or any letters of it in capitals."""
    capitals = st.integers(0, 2 ** len(word) - 1).map(
        lambda capitals: "".join(char.upper() if capitals >> place & 1 else char for place, char in enumerate(word))
    )
    return st.sampled_from(tuple(usual)) | capitals


def protocol_names() -> SearchStrategy[str]:
    """``websocket`` in any case."""
    return _cased("websocket", ("websocket", "WebSocket", "WEBSOCKET"))


def _among(
    before: SearchStrategy[tuple[str, ...]], word: SearchStrategy[str], after: SearchStrategy[tuple[str, ...]]
) -> SearchStrategy[tuple[str, ...]]:
    """A list with the word between others."""
    return st.builds(lambda before, word, after: (*before, word, *after), before, word, after)


def _upgrade() -> SearchStrategy[str]:
    return _cased("upgrade", ("Upgrade", "upgrade", "UPGRADE"))


def _on_one_line(lists: SearchStrategy[tuple[str, ...]], commas: Sequence[str]) -> SearchStrategy[tuple[str, ...]]:
    return st.builds(lambda elements, comma: (comma.join(elements).strip(),), lists, st.sampled_from(tuple(commas)))


def option_lists() -> SearchStrategy[tuple[str, ...]]:
    """Connection: Upgrade among other options, in one line."""
    options = _among(st.sampled_from(BEFORE), _upgrade(), st.sampled_from(AFTER))
    return _on_one_line(options, (", ", ",", " ,", " , ", ",\t"))


def option_lines() -> SearchStrategy[tuple[str, ...]]:
    """Connection: Upgrade among other options, each on a line of its own."""
    first = _among(st.just(()), _upgrade(), st.sampled_from(AFTER[1:]))
    return first | _among(st.sampled_from(BEFORE[1:]), _upgrade(), st.sampled_from(AFTER))


def gaps() -> SearchStrategy[tuple[str, ...]]:
    """Connection: a list with empty elements."""
    lists = st.builds(
        lambda elements, word: tuple(word if element == WORD else element for element in elements),
        st.sampled_from(LISTS_WITH_GAPS),
        _upgrade(),
    )
    return _on_one_line(lists, (",", ", ", " ,"))


def protocol_lists() -> SearchStrategy[tuple[str, ...]]:
    """Upgrade: websocket among other protocols, on one line or several."""
    first = _among(st.just(()), protocol_names(), st.sampled_from(PROTOCOLS_AFTER[1:]))
    later = _among(st.sampled_from(PROTOCOLS_BEFORE[1:]), protocol_names(), st.sampled_from(PROTOCOLS_AFTER))
    return _on_one_line(first | later, (", ",)) | first | later


def orders() -> SearchStrategy[tuple[int, ...]]:
    """OWN in any order."""
    return st.permutations(range(len(OWN))).map(tuple)


def _each(forms: Sequence[T]) -> SearchStrategy[tuple[T, ...]]:
    """One of the forms for each line of OWN."""
    return st.tuples(*[st.sampled_from(tuple(forms))] * len(OWN))


def spaces_before() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """White space before each value of OWN."""
    return _each([(before, "") for before in (" ", "", "  ", "\t", " \t ")])


def spaces_after() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """White space after each value of OWN, or most of them."""
    spaces = _each([(" ", after) for after in ("", " ", "\t", "  ", "\t \t")])
    return spaces.filter(lambda pairs: any(after for _, after in pairs))


def further_fields() -> SearchStrategy[Further]:
    """A field of no meaning to the handshake."""
    before = st.integers(0, len(OWN))
    text = text_of(VALUE_CHARACTERS, max_size=12)
    unknown = st.builds(Further, st.sampled_from(NAMES), text, st.sampled_from(SIZES), before)
    return unknown | st.builds(
        lambda pair, before: Further(pair[0], pair[1], 0, before), st.sampled_from(BROWSERS), before
    )


def cookies() -> SearchStrategy[tuple[str, ...]]:
    """Cookies that nobody has set."""
    value = text_of(COOKIE_CHARACTERS, max_size=20)
    return st.builds(
        lambda value, others: (f"wsproof={value}", *others),
        value,
        st.sampled_from(((), ("wsproof-b=1",), ("wsproof-b=", 'wsproof_c="2"'))),
    )


def queries() -> SearchStrategy[str]:
    """No query, or one with a parameter that no application knows."""
    return st.lists(st.sampled_from(QUERY_PIECES), max_size=8).map(
        lambda pieces: "wsproof=" * bool(pieces) + "".join(pieces)
    )


def cuts() -> SearchStrategy[tuple[Cut, ...]]:
    """Where TCP parts the head: three places at most."""
    cut = st.builds(Cut, st.integers(0, EMPTY_LINE), st.sampled_from(tuple(Place)))
    return st.lists(cut, max_size=3).map(tuple)


def extensions() -> SearchStrategy[tuple[str, ...]]:
    """Offers of extensions that no server knows, on one line or several."""
    offers = st.lists(st.sampled_from(OFFERS), min_size=1, max_size=4).map(tuple)
    return _on_one_line(offers, (", ", ",")) | offers


def variations(focus: Aspect | None = None) -> SearchStrategy[Variation]:
    """Legal handshakes. With a ``focus`` each has that and little else, so that a refusal can be put down to it."""
    parts: dict[str, SearchStrategy[Any]] = {
        "order": orders(),
        "cuts": cuts(),
        "further": st.lists(further_fields(), max_size=2).map(tuple),
    }
    match focus:
        case None:
            parts |= {
                "key": st.none() | _odd_keys() | keys(),
                "names": _each(tuple(Spelling)),
                "upgrade": protocol_names().map(lambda name: (name,)),
                "connection": option_lists(),
                "space": _maybe(spaces_before(), Variation().space),
                "cookies": _maybe(cookies(), ()),
                "query": queries(),
            }
        case Aspect.PROTOCOLS:
            parts["upgrade"] = protocol_lists()
        case Aspect.OPTION_LINES:
            parts["connection"] = option_lines()
        case Aspect.GAPS:
            parts["connection"] = gaps()
        case Aspect.SPACE_AFTER:
            parts["space"] = spaces_after()
        case Aspect.EXTENSIONS:
            parts["extensions"] = extensions()
        case _:
            raise ValueError(f"{focus} is tried among others")
    return st.builds(Variation, **parts)


def bystanders() -> SearchStrategy[Variation]:
    """Legal differences that may go with a fault: few of each and drawn in few steps, because the fault counts."""
    return st.builds(
        Variation,
        order=orders(),
        names=st.sampled_from(FEW_SPELLINGS),
        connection=st.sampled_from(FEW_OPTIONS),
        further=st.sampled_from(FEW_FIELDS),
        query=st.sampled_from(("", "wsproof=1", "wsproof=%41&wsproof2=")),
    )


# -- faults --------------------------------------------------------------------------------------------------------


def _texts(kind: FaultKind) -> SearchStrategy[str]:
    """The text of a fault of that kind."""
    match kind:
        case FaultKind.OTHER_PROTOCOL:
            return st.sampled_from(("foo", "h2c", "websocketx", "web socket", "websocke", "xwebsocket", "web-socket"))
        case FaultKind.OTHER_OPTION:
            return st.sampled_from(("keep-alive", "close", "x-wsproof, keep-alive", "keep-alive, x-wsproof, close"))
        case FaultKind.LIKE_THE_OPTION:
            alike = st.sampled_from(("notupgrade", "upgraded", "up-grade", "x-upgrade", "Upgrade-Insecure"))
            before = st.sampled_from(("", "keep-alive, ", "keep-alive, x-wsproof, "))
            return st.builds(lambda others, option: others + option, before, alike)
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


def faulty_handshakes(group: str) -> SearchStrategy[FaultyHandshake]:
    """A fault of that group among legal differences, which are the first to shrink."""
    return st.builds(lambda variation, fault: FaultyHandshake(fault, variation), bystanders(), faults(group))
