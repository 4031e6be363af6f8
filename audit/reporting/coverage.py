"""How much of what happened the trail holds, and what vouches for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, Max, Min

from ..anchors import Anchor, AnchorError, configured
from ..checkpoints import public_keys
from ..completeness import last_run
from ..models import Anchoring, Checkpoint, Outbox
from ..signed_note import NoteError, read
from ..standing import refusal
from ..tiles import NoProof, log_size, root_at
from ..verification import verify_records
from ..verification.reading import CHUNK, Chunk, Looked, in_turn
from .activity import records_within
from .schemas import AnchorTold, CheckpointTold, CompletenessTold, Coverage

MOST_VERIFIED = 50_000
"""Of the period's newest records; that takes about half a second. `manage.py audit_verify` looks at all."""
MOST_TOLD = 20

Held = Literal["held", "differs", "lost", "receipt", "nothing"]


@dataclass(frozen=True, slots=True)
class Verified:
    count: int
    problems: list[str]
    found: int


def coverage_read(begin: datetime, end: datetime) -> Coverage:
    """Of the records from `begin` up to but not including `end`."""
    within = records_within(begin, end).aggregate(first=Min("seq"), last=Max("seq"), records=Count("seq"))
    first, last = within["first"], within["last"]
    verified = verify(max(first, last - MOST_VERIFIED + 1), last) if first else Verified(0, [], 0)
    return Coverage(
        records=within["records"],
        first_seq=first,
        last_seq=last,
        log_size=log_size(),
        waiting=Outbox.objects.filter(sealed_at=None).count(),
        verified=verified.count,
        problems=verified.problems,
        problem_count=verified.found,
        refused=refusal(),
        checkpoint=checkpoint_told(Checkpoint.objects.order_by("-size").first()),
        anchors=[anchor_told(anchor, last or 0) for anchor in configured()],
        completeness=completeness_told(),
    )


def verify(first: int, last: int) -> Verified:
    """These records, each against its payload and the one before; up to a chunk more than asked for."""
    wanted = -(-(last - first + 1) // CHUNK)
    read, shown, found = 0, [], 0

    def look(chunks: Iterable[Chunk]) -> Looked:
        return in_turn(islice(chunks, wanted))

    def progress(count: int) -> None:
        nonlocal read
        read += count

    for problem in verify_records(first, look=look, progress=progress):
        found += 1
        if found <= MOST_TOLD:
            shown.append(str(problem))
    return Verified(min(read, last - first + 1), shown, found)


def checkpoint_told(checkpoint: Checkpoint | None) -> CheckpointTold | None:
    """Whether a key of the shop's has signed it, and the log still begins with what it says."""
    if checkpoint is None:
        return None
    signed_by: tuple[str, ...] = ()
    told = ""
    try:
        note = read(checkpoint.note, public_keys())
        signed_by = note.signed_by
        stated = (note.size, note.root) == (checkpoint.size, bytes(checkpoint.root))
        if not stated:
            told = "Its note says something else than the row that holds it."
        elif root_at(checkpoint.size) != note.root:
            told = "The log's records have another root than the one that was signed."
    except (NoteError, NoProof, ImproperlyConfigured) as error:
        told = str(error)
    return CheckpointTold(
        size=checkpoint.size,
        root=bytes(checkpoint.root).hex(),
        created_at=checkpoint.created_at,
        signed_by=list(signed_by),
        holds=not told,
        told=told,
    )


def anchor_told(anchor: Anchor, last_seq: int) -> AnchorTold:
    """What an anchor took last, and whether it still holds it; only a file can be asked."""
    row = Anchoring.objects.filter(kind=anchor.kind).order_by("-size").first()
    return AnchorTold(
        kind=anchor.kind,
        size=row.size if row else None,
        anchored_at=row.anchored_at if row else None,
        covers=bool(row and row.size >= last_seq),
        held=_held(anchor, row),
    )


def _held(anchor: Anchor, row: Anchoring | None) -> Held:
    if row is None:
        return "nothing"
    try:
        held = anchor.held()
        if held is None:
            return "lost" if anchor.kind == "file" else "receipt"
        return "held" if held.size >= row.size and root_at(held.size) == held.root else "differs"
    except (AnchorError, NoProof, ImproperlyConfigured):
        return "differs"


def completeness_told() -> CompletenessTold | None:
    run = last_run()
    if run is None:
        return None
    shown = [f"{gap['what']} {gap['message']}" for gap in run.shown[:MOST_TOLD]]
    return CompletenessTold(began_at=run.began_at, rows=run.rows, gaps=run.gaps, shown=shown)
