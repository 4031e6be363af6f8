"""The files: one self-contained page, a PDF, JSON and CSV, whatever words are in them."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Finding, Outbox
from audit.reporting.charts import Bar, Point, counts, scores, stacked
from audit.reporting.files import FORMATS, report_file
from audit.reporting.paper import UNKNOWN, shown
from audit.reporting.schemas import ComplianceReport
from shop_assistant.agents import call
from shop_assistant.agents.errors import PermissionDenied
from shop_assistant.tables.writing import restored

Api = Callable[[str | None], Any]
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")', "＝1"]  # noqa: RUF001
MARKUP = "<script>alert(1)</script> & \"quoted\" 'too'"
words = st.text(max_size=30)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def made(shop: None, settings: Any) -> ComplianceReport:
    """A report with words in it that could do harm somewhere."""
    settings.SHOP_NAME = "Bücher & Кофе, Ελλάδα €"
    about = {"rule_id": "deep-discount", "entity_type": "order"}
    for number, text in enumerate([*FORMULAS, MARKUP, "漢字 ▸ ﷽"]):
        Finding(**about, entity_id=f"X-{number}", message=text, evidence=[text]).save()
    return ComplianceReport.model_validate(call("audit", "compliance_report", {}))


def file(report: ComplianceReport, format: str) -> bytes:
    return report_file(report=report, format=format, user_id="USER123", channel="command").content


def test_the_page_needs_nothing_else(made: ComplianceReport):
    text = file(made, "html").decode()
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert not re.search(r"url\(|@import", text)
    assert MARKUP in page.text
    for said in (made.shop, "Compliance report", *made.summary, "Score over time", "Findings by rule", "Coverage"):
        assert said in page.text


def test_csv_has_no_formula(made: ComplianceReport):
    text = file(made, "csv").decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]  # noqa: RUF001
    evidence = {restored(cell) for cell in cells}
    assert set(FORMULAS) <= evidence
    assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1


def test_json_is_the_operations_answer(made: ComplianceReport):
    assert json.loads(file(made, "json")) == made.model_dump(mode="json")


def test_the_pdf_has_the_shops_characters(made: ComplianceReport):
    pdf = file(made, "pdf")
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert b"DejaVuSans" in pdf
    assert b"/Helvetica" not in pdf
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    assert len(pdf) < 300_000  # only the characters that are used
    assert shown("Bücher Кофе Ελλάδα € ₹ → ✓") == "Bücher Кофе Ελλάδα € ₹ → ✓"
    assert shown("漢字") == UNKNOWN * 2


def test_the_trail_is_told_of_each_file(made: ComplianceReport):
    for format in FORMATS:
        content = file(made, format)
        told = json.loads(Outbox.objects.filter(event="COMPLIANCE_REPORTED").latest("id").payload)
        assert (told["format"], told["user_id"]) == (format, "USER123")
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert (told["first"], told["last"]) == (str(made.first), str(made.last))


@given(st.lists(st.tuples(words, st.integers(0, 10**9), st.integers(0, 10**9)), max_size=5))
def test_charts_are_well_formed_whatever_is_in_them(rows: list[tuple[str, int, int]]):
    clean = [(re.sub(r"[^\x20-\uD7FF]", "", name), a, b) for name, a, b in rows]
    names = list(dict.fromkeys(name for name, _, _ in clean))
    for svg in (counts(clean), stacked([Bar(name, [(name, a)]) for name, a, _ in clean], names)):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label")
        assert float(root.get("width")) > 0


def test_the_chart_of_scores_tells_good_from_bad_without_colour():
    days = [Point(date(2026, 1, day), score) for day, score in ((1, 90), (2, None), (3, 20), (4, 70))]
    svg = scores(days, 50)
    assert svg.count("<circle") == 2
    assert svg.count('stroke-width="1.8"') == 2  # a cross has two lines
    assert "3 of 4 days judged, scores from 20 to 90; 50 is needed" in svg
    assert svg.count('stroke-opacity="0.5"') == 1  # nothing is joined over the day that nobody judged


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("compliance_report", *arguments, stdout=printed)
    return printed.getvalue()


def test_the_command_writes_each_format(shop: None, tmp_path: Path):
    starts = {"html": b"<!doctype html>", "pdf": b"%PDF-", "json": b"{", "csv": b"\xef\xbb\xbfsection"}
    for ending, start in starts.items():
        target = tmp_path / f"report.{ending}"
        told = run("--period", "2026-01", "--output", str(target))
        content = target.read_bytes()
        assert content.startswith(start)
        assert hashlib.sha256(content).hexdigest() in told
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--period", "October"], 2),
        (["--period", "2026-10-05"], 2),
        (["--output", "report.txt"], 2),
        (["--period", "2026-01", "--from", "2026-01-01"], 2),
        (["--user", "nobody"], 1),
        (["--period", "2026-01", "--output", "/nowhere/at/all.html"], 1),
    ],
)
def test_the_command_refuses(shop: None, arguments: list[str], code: int):
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert refused.value.returncode == code


def test_a_wrong_period_names_the_option_and_the_form(db: None):
    with pytest.raises(CommandError, match=r"--period: '2026-10-05' is no month or year: write 2026-10 or 2026"):
        run("--period", "2026-10-05")


def test_the_command_for_somebody_who_may_not(shop: None, users: Any):
    with pytest.raises(CommandError, match="permission"):
        run("--user", "clerk")
    with pytest.raises(PermissionDenied):
        call("audit", "compliance_report", {}, user=users["clerk"])
