"""A report as a file, and the trail's record that it was made."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from .. import events
from ..services import event_record
from .composing import compose
from .page import html_of
from .rows import csv_of
from .schemas import ComplianceReport


@dataclass(frozen=True, slots=True)
class ReportFile:
    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def _pdf(report: ComplianceReport) -> bytes:
    from .paper import pdf_of  # late: what draws a PDF is a sixth of a process's start

    return pdf_of(compose(report), made_at=report.made_at)


FORMATS: dict[str, tuple[str, Callable[[ComplianceReport], bytes]]] = {
    "html": ("text/html; charset=utf-8", lambda report: html_of(compose(report))),
    "pdf": ("application/pdf", _pdf),
    "json": ("application/json", lambda report: report.model_dump_json(indent=2).encode() + b"\n"),
    "csv": ("text/csv; charset=utf-8", lambda report: csv_of(compose(report))),
}


def report_file(*, report: ComplianceReport, format: str, user_id: str, channel: str) -> ReportFile:
    """Write a report out. The trail is told, with the file's digest: who is handed the file can ask whether it is the
    one that was made.
    """
    content_type, write = FORMATS[format]
    made = ReportFile(f"compliance-{report.first}-{report.last}.{format}", content_type, write(report))
    event_record(
        events.COMPLIANCE_REPORTED,
        user_id=user_id,
        agent="audit",
        first=str(report.first),
        last=str(report.last),
        format=format,
        score=report.score,
        bytes=len(made.content),
        sha256=made.sha256,
        channel=channel,
    )
    return made
