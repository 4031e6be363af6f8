"""The auditor's and the owner's pages: compliance, the trail, a record with its proof."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.anchors import keeping
from audit.append_only import install
from audit.checkpoints import checkpoint_write
from audit.completeness import completeness_run
from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from shop_assistant.agents import Role
from tests.admin.conftest import Visitor
from tests.audit.conftest import anchor_file, lift, sql  # noqa: F401  (a fixture among them)

BUDGET = 45
"""Queries of the page on the trail, the login's and the permissions' among them."""
COMPLIANCE, TRAIL = "/admin/compliance/", "/admin/trail/"
PAGES = {
    COMPLIANCE: ("Summary", "Score over time", "Findings by rule", "Findings", "Who changed what", "Coverage"),
    TRAIL: ("Records", "Newest checkpoint", "Checkpoints", "Anchors", "Completeness check", "Newest open findings"),
    f"{TRAIL}records/3/": ("Verdict", "Hash steps", "Record", "Chain"),
    "/admin/audit/auditrecord/": (),
    "/admin/audit/checkpoint/": (),
}
"""And the sections that they have."""
SEEN = {"owner": (200, 200), "auditor": (200, 200), "manager": (200, 403), "clerk": (403, 403)}
"""Who may look at the compliance report, and at the trail."""


@pytest.fixture
def anchored(anchor_file: Any, shop: None, api: Callable[[str], Any]) -> None:  # noqa: F811
    """A trail with a checkpoint that an anchor holds, a finding, and a look at completeness."""
    clerk = api("clerk")
    for body in ({"sku": "SKU001", "delta": -25}, {"sku": "SKU001", "delta": 5, "reason": "found again"}):
        assert clerk.post("/api/inventory/update", body).status_code == 200
    assert api("owner").post("/api/audit/compliance-check", {}).status_code == 200
    completeness_run()
    seal()
    assert checkpoint_write()
    assert keeping.anchor_due(quick=True) == 1


@pytest.mark.parametrize("role", ["auditor"])
@pytest.mark.usefixtures("anchored")
def test_the_pages_in_a_browser(role: str, visitor: Callable[[str], Visitor]):
    someone = visitor(role)
    page = someone.page
    for path, sections in (
        (COMPLIANCE, ("Summary", "Score over time", "Findings by rule", "Findings", "Who changed what", "Coverage")),
        (
            TRAIL,
            ("Records", "Newest checkpoint", "Checkpoints", "Anchors", "Completeness check", "Newest open findings"),
        ),
        (f"{TRAIL}records/3/", ("Verdict", "Hash steps", "Record", "Chain")),
        ("/admin/audit/auditrecord/", ()),
        ("/admin/audit/checkpoint/", ()),
    ):
        assert someone.visit(path) == 200
        for section in sections:
            assert page.locator(f'section[aria-label="{section}"]').count() == 1, (path, section)
        for width in (390, 1400):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page.goto(f"{someone.address}/admin/audit/auditrecord/3/change/")
    page.get_by_role("link", name="verify").click()
    assert page.get_by_role("status").inner_text().startswith("This record is in the log, unchanged")
    assert "They are the same." in page.locator('section[aria-label="Hash steps"]').inner_text()
    page.goto(f"{someone.address}{COMPLIANCE}")
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
    assert someone.complaints == []


@pytest.mark.parametrize("role", list(SEEN))
@pytest.mark.usefixtures("anchored")
def test_who_may_look(role: str, users: dict[Role, Any], client: Client):
    client.force_login(users[Role(role)])
    report, trail = SEEN[role]
    assert client.get(COMPLIANCE).status_code == report
    assert client.post(COMPLIANCE, {"format": "csv"}).status_code == report
    assert client.get(TRAIL).status_code == trail
    assert client.get(f"{TRAIL}records/3/").status_code == trail
    index = client.get("/admin/").content.decode()
    assert (f'href="{COMPLIANCE}"' in index, f'href="{TRAIL}"' in index) == (report == 200, trail == 200)


@pytest.mark.usefixtures("anchored")
def test_every_look_is_recorded(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.AUDITOR])
    for path in (
        TRAIL,
        f"{TRAIL}records/2/",
        "/admin/audit/auditrecord/?event=TASK_FAILED&q=John+Smith",
        "/admin/audit/auditrecord/2/change/",
    ):
        assert client.get(path).status_code == 200
    told = [json.loads(p) for p in Outbox.objects.filter(event="ACCESS_RECORDS").values_list("payload", flat=True)]
    assert [document["filters"] for document in told] == [
        {"page": "trail"},
        {"proof_of": 2},
        {"table": "auditrecord", "event": "TASK_FAILED", "search": "of words"},
        {"table": "auditrecord", "row": "2"},
    ]
    assert {document["user_id"] for document in told} == {"USER-AUDITOR"}


@pytest.mark.usefixtures("anchored")
def test_the_list_says_what_was_looked_at_and_lets_nobody_guess(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.AUDITOR])
    client.get(f"{TRAIL}records/2/")
    client.get("/admin/audit/auditrecord/2/change/")
    shown = client.get("/admin/audit/outbox/").content.decode()
    assert "proof of 2" in shown
    assert "row 2, table auditrecord" in shown
    for asked in (
        "audit/auditrecord/?leaf=abc",
        "inventory/product/?sku__regex=(a%2B)%2B$",
        "vault/subjectkey/?wrapped__startswith=a",
    ):
        assert client.get(f"/admin/{asked}").status_code == 400, asked
    assert client.get("/admin/audit/finding/?status__exact=open").status_code == 200
    assert client.get("/admin/accounts/user/?is_active__exact=1").status_code == 200


@pytest.mark.usefixtures("anchored")
def test_files_of_the_period_on_the_page(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.MANAGER])
    for format, start in (("html", b"<!doctype html>"), ("json", b"{"), ("csv", b"\xef\xbb\xbfsection")):
        answer = client.post(COMPLIANCE, {"period": "2026-01", "format": format})
        assert answer.content.startswith(start)
        assert f'filename="compliance-2026-01-01-2026-01-31.{format}"' in answer["Content-Disposition"]
        told = json.loads(Outbox.objects.filter(event="COMPLIANCE_REPORTED").latest("id").payload)
        assert (told["user_id"], told["channel"]) == ("USER-MANAGER", "admin")
        assert told["sha256"] == hashlib.sha256(answer.content).hexdigest()


@pytest.mark.usefixtures("anchored")
def test_a_period_that_is_none_is_said_on_the_page(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.OWNER])
    page = client.get(COMPLIANCE, {"first": "2026-02-01", "last": "2026-01-01"}).content.decode()
    assert "The period ends before it begins" in page
    assert "Select a valid choice" in client.get(COMPLIANCE, {"period": "October"}).content.decode()
    assert (
        "1 Jan 2026 to 31 Jan 2026"
        in client.get(COMPLIANCE, {"first": "2026-01-01", "last": "2026-01-31"}).content.decode()
    )


@pytest.mark.usefixtures("anchored")
def test_a_bent_record_is_not_proven(users: dict[Role, Any], client: Client):
    client.force_login(users[Role.AUDITOR])
    lift("audit_record")
    sql("UPDATE audit_record SET payload = replace(payload, 'inventory', 'INVENTORY') WHERE seq = 2")
    connection.check_constraints()
    install("default")
    page = client.get(f"{TRAIL}records/2/").content.decode()
    assert "This record is not proven." in page
    assert "They differ." in page
    assert client.get(f"{TRAIL}records/{AuditRecord.objects.count() + 50}/").status_code == 404


@pytest.mark.usefixtures("anchored")
def test_the_trail_costs_the_same_however_long_it_is(users: dict[Role, Any], client: Client, api: Callable[[str], Any]):
    client.force_login(users[Role.OWNER])

    def cost(path: str) -> int:
        seal()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    paths = (TRAIL, "/admin/audit/checkpoint/")
    for path in paths:
        cost(path)
    before = {path: cost(path) for path in paths}
    for _ in range(5):
        api("clerk").post("/api/inventory/query", {"sku": "SKU001"})
        seal()
        checkpoint_write()
        keeping.anchor_due(quick=True)
    assert {path: cost(path) for path in paths} == before
    assert before[TRAIL] <= BUDGET
