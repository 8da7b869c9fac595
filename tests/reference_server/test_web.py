"""The three pages: what they are made of. How they behave in a browser is tested elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import wsproof.reference_server.web as web

from .raw import get

PAGES = {"/": "echo.html", "/items": "items.html", "/chat": "chat.html"}
SCRIPT = web.FOLDER / "page.js"


class Elements(HTMLParser):
    """Collects the elements of a page, with their attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember one element."""
        self.found.append((tag, dict(attrs)))

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements with one of these names."""
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_content_security_policy(server: str, path: str) -> None:
    status, fields, body = get(server, path)
    assert status == 200
    assert fields["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in fields["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert fields["x-content-type-options"] == "nosniff"
    assert body == (web.FOLDER / PAGES[path]).read_bytes()


@pytest.mark.parametrize("page", PAGES.values())
def test_a_page_holds_nothing_inline_and_loads_what_is_there(server: str, page: str) -> None:
    elements = Elements((web.FOLDER / page).read_text())
    for attributes in elements.named(*{tag for tag, _ in elements.found}):
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert elements.named("style") == []
    for attributes in elements.named("script", "link"):
        target = attributes.get("src") or attributes.get("href")
        assert target == "data:," or get(server, f"/{target}")[0] == 200
    assert len(elements.named("script")) == 1


@pytest.mark.parametrize("page", PAGES.values())
def test_each_field_of_a_page_has_a_label(page: str) -> None:
    elements = Elements((web.FOLDER / page).read_text())
    assert {field["id"] for field in elements.named("input")} == {label["for"] for label in elements.named("label")}


@pytest.mark.parametrize(("path", "kind"), [("/page.js", "text/javascript"), ("/page.css", "text/css")])
def test_script_and_stylesheet_have_their_type(server: str, path: str, kind: str) -> None:
    status, fields, _ = get(server, path)
    assert status == 200
    assert fields["content-type"].startswith(kind)


def test_the_script_writes_no_html_and_names_no_host() -> None:
    script = SCRIPT.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    assert not re.search(r"localhost|\d+\.\d+\.\d+\.\d+|:8000", script)
    assert 'location.protocol === "https:" ? "wss:" : "ws:"' in script


def test_every_file_of_the_folder_is_served(server: str) -> None:
    served = {get(server, path)[2] for path in [*PAGES, "/page.js", "/page.css"]}
    assert served == {file.read_bytes() for file in Path(web.FOLDER).iterdir()}
