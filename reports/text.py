"""Makes text that a target sent safe to show: on a terminal, in XML, in a log."""

from __future__ import annotations

LIMIT = 400
"""Characters of one shown value, before it is cut."""

_SHORT_FORMS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, limit: int = LIMIT) -> str:
    r"""``text`` on one line, cut to ``limit`` characters, with each character that is not printable written out.

    Control characters become ``\x1b``, bidi controls and other format characters ``\u202e``, lone surrogates
    ``\ud800``, spaces other than the common one ``\xa0``. What is left can neither move a cursor nor break XML
    (markup still has to be escaped by the writer).
    """
    cut = text[:limit]
    shown = cut if cut.isprintable() else "".join(map(_visible, cut))
    if len(text) > limit:
        shown += f"... ({len(text):,} characters)"
    return shown


def visible_block(text: str, *, lines: int = 60, limit: int = LIMIT) -> str:
    """Like ``visible``, but keeping line ends: each line is cut to ``limit`` characters, and all to ``lines`` lines."""
    head = text.split("\n", lines)
    shown = [visible(line, limit) for line in head[:lines]]
    if len(head) > lines:
        shown.append(f"... ({text.count(chr(10)) + 1:,} lines)")
    return "\n".join(shown)


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if character in _SHORT_FORMS:
        return _SHORT_FORMS[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def plural(count: int, singular: str, several: str | None = None) -> str:
    """``1 check``, ``2 checks``, ``1,024 checks``."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"
