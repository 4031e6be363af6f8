"""What a browser sends of a page's form."""

from html.parser import HTMLParser
from typing import Any


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select: tuple[str, bool] | None = None
        self._text: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        name = told.get("name") or ""
        if tag == "input" and name and told.get("type") not in ("submit", "button", "file", "image", "reset"):
            if told.get("type") not in ("checkbox", "radio") or "checked" in told:
                self.values.setdefault(name, []).append(told.get("value") or ("on" if "checked" in told else ""))
        elif tag == "textarea" and name:
            self._text = name
            self.values[name] = [""]
        elif tag == "select" and name:
            self._select = (name, "multiple" in told)
        elif tag == "option" and self._select and "selected" in told:
            self.values.setdefault(self._select[0], []).append(told.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._text:
            self.values[self._text][0] += data


def fields_of(page: str) -> dict[str, list[str]]:
    """The values of all fields on the page, as they stand."""
    found = _Fields()
    found.feed(page)
    return {name: [value.strip("\n") for value in values] for name, values in found.values.items()}


def filled(page: str, values: dict[str, Any]) -> dict[str, Any]:
    """Those fields, some of them with other values."""
    return {**fields_of(page), **values}
