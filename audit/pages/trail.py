"""The trail at a glance, and a record with its proof. Each look at them is recorded."""

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from .. import events
from ..admin_columns import COLOUR_OF, badge, linked, list_of, moment, page_of, person, pretty, task_link
from ..anchors import configured
from ..checkpoints import public_keys
from ..completeness import checks, last_run
from ..models import Anchoring, AuditRecord, Checkpoint, Finding, Outbox
from ..proving import RecordProof, record_prove
from ..reporting.composing_coverage import HELD
from ..reporting.coverage import anchor_told, checkpoint_told
from ..selectors import bring_up_to_date, record_item
from ..services import event_record
from ..signed_note import NoteError, read
from ..standing import refusal
from ..tiles import log_size
from .drawn import READS_TRAIL

SHOWN = 6
GAPS = 10
HELD_COLOUR = {"held": "success", "receipt": "", "nothing": "warning", "differs": "danger", "lost": "danger"}


def trail_page(request: HttpRequest) -> HttpResponse:
    """How the trail stands: records, checkpoints, anchors, completeness, findings."""
    _open(request, page="trail")
    size = log_size()
    newest = AuditRecord.objects.order_by("-seq").first()
    page = {
        "title": "Audit",
        "size": f"{size:,}",
        "newest": newest,
        "newest_when": moment(newest.timestamp) if newest else "",
        "waiting": Outbox.objects.filter(sealed_at=None).count(),
        "refused": refusal(),
        "checkpoint": checkpoint_told(Checkpoint.objects.order_by("-size").first()),
        "checkpoints": _checkpoints(),
        "anchors": _anchors(size),
        "completeness": _completeness(),
        "findings": _findings(request),
        "records_url": list_of("audit.auditrecord"),
        "checkpoints_url": list_of("audit.checkpoint"),
        "may_report": request.user.has_perm("agents.audit.compliance_report"),
    }
    return render(request, "trail/overview.html", {**admin.site.each_context(request), **page})


def proof_page(request: HttpRequest, seq: int) -> HttpResponse:
    """A record, and each hash from its payload up to the root that was signed."""
    _open(request, proof_of=seq)
    proof = record_prove(seq)
    if proof is None:
        raise Http404("There is no such record.")
    record = proof.record
    page = {
        "title": f"Record {seq:,}",
        "proof": proof,
        "verdict": _verdict(proof),
        "facts": [
            ("Event", record.event),
            ("When", moment(record.timestamp)),
            ("Who", person(request, record.user_id)),
            ("Agent", record.agent or "-"),
            ("Task", task_link(request, record.task_id)),
        ],
        "checks": [(check, _answer(check.holds)) for check in proof.checks],
        "steps": [_step(number, step) for number, step in enumerate(proof.steps, 1)],
        "document": pretty(_opened(record)),
        "size": f"{proof.size:,}",
        "url": page_of(request, "audit.auditrecord", seq),
        "previous": seq - 1 if seq > 1 else None,
        "following": seq + 1 if seq < log_size() else None,
    }
    return render(request, "trail/proof.html", {**admin.site.each_context(request), **page})


def _open(request: HttpRequest, **looked_at: Any) -> None:
    """Only for who may read the trail; and this is told in it.

    :raises PermissionDenied:
    """
    user: Any = request.user
    if not user.has_perm(READS_TRAIL):
        raise PermissionDenied
    bring_up_to_date()
    event_record(events.RECORDS_VIEWED, user_id=user.public_id, filters=looked_at, channel="admin")


def _opened(record: AuditRecord) -> Any:
    """The payload with people's data hidden; what somebody bent beyond reading as it is."""
    try:
        item = record_item(record)
    except (ValueError, LookupError, TypeError, AttributeError):
        return record.payload
    return {"state": item["state"], **item["details"]} if item["state"] else item["details"]


def _verdict(proof: RecordProof) -> dict[str, str]:
    if not proof.holds:
        wrong = next(check for check in proof.checks if check.holds is False)
        return {"colour": "red", "text": f"This record is not proven. {wrong.what}: no. {wrong.told}"}
    if not proof.complete:
        return {"colour": "orange", "text": "This record is whole, but no signed checkpoint covers it yet."}
    return {
        "colour": "green",
        "text": f"This record is in the log, unchanged: from its payload {len(proof.steps)} hashes lead to the root of "
        f"{proof.size:,} records that was signed.",
    }


def _answer(holds: bool | None) -> Any:
    return badge("not yet", "warning") if holds is None else badge("yes", "success") if holds else badge("no", "danger")


def _step(number: int, step: Any) -> dict[str, Any]:
    records = f"record {step.first:,}" if step.first == step.last else f"records {step.first:,} to {step.last:,}"
    return {
        "number": number,
        "side": "right" if step.ours_left else "left",
        "records": records,
        "left": step.left.hex(),
        "right": step.right.hex(),
        "ours_left": step.ours_left,
        "node": step.node.hex(),
    }


def _checkpoints() -> list[dict[str, Any]]:
    found = list(Checkpoint.objects.order_by("-size")[:SHOWN])
    taken: dict[int, list[str]] = defaultdict(list)
    for size, kind in (
        Anchoring.objects.filter(size__in=[c.size for c in found]).order_by("id").values_list("size", "kind")
    ):
        taken[size].append(kind)
    return [
        {
            "size": f"{checkpoint.size:,}",
            "root": bytes(checkpoint.root).hex()[:16],
            "signed": ", ".join(signers(checkpoint)) or badge("no key of ours", "danger"),
            "anchors": ", ".join(taken[checkpoint.size]) or "-",
            "when": moment(checkpoint.created_at),
        }
        for checkpoint in found
    ]


def signers(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the shop's keys whose signatures hold."""
    try:
        return read(checkpoint.note, public_keys()).signed_by
    except (NoteError, ImproperlyConfigured):
        return ()


def _anchors(size: int) -> list[dict[str, Any]]:
    told = [anchor_told(anchor, size) for anchor in configured()]
    return [
        {
            "kind": anchor.kind,
            "size": f"{anchor.size:,}" if anchor.size else "-",
            "when": moment(anchor.anchored_at) if anchor.anchored_at else "-",
            "held": badge(anchor.held, HELD_COLOUR[anchor.held]),
            "told": HELD[anchor.held],
        }
        for anchor in told
    ]


def _completeness() -> dict[str, Any] | None:
    run = last_run()
    if run is None:
        return None
    titles = checks()
    return {
        "when": moment(run.began_at),
        "took": f"{run.milliseconds / 1000:.1f} s",
        "gaps": run.gaps,
        "rows": [
            (titles[name][0] if name in titles else name, f"{count:,}") for name, count in sorted(run.rows.items())
        ],
        "shown": [f"{gap['what']} {gap['message']}" for gap in run.shown[:GAPS]],
        "more": max(run.gaps - GAPS, 0),
    }


def _findings(request: HttpRequest) -> dict[str, Any]:
    waiting = Finding.objects.filter(status=Finding.Status.OPEN)
    counts = waiting.order_by("rule__severity").values_list("rule__severity").annotate(Count("pk"))
    rows = [
        {
            "severity": badge(row.rule.severity, COLOUR_OF.get(row.rule.severity, "")),
            "message": linked(request, row, row.message),
            "rule": row.rule.title,
            "when": moment(row.occurred_at or row.found_at),
        }
        for row in waiting.select_related("rule").order_by("-pk")[:SHOWN]
    ]
    return {
        "count": sum(count for _, count in counts),
        "counts": [badge(f"{count} {name}", COLOUR_OF.get(name, "")) for name, count in counts],
        "rows": rows,
        "url": list_of("audit.finding", status__exact="open"),
    }
