"""An HTTP witness (https://c2sp.org/tlog-witness): it cosigns only what continues all it has cosigned before."""

import base64
from dataclasses import dataclass

from audit.models import Anchoring, Checkpoint
from audit.tiles import consistency
from shop_assistant.outgoing import Answer, OutgoingError, fetch

from .base import AnchorError, Held
from .cosignature import cosigned, witness_read

SIZE = "text/x.tlog.size"
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class WitnessAnchor:
    url: str
    """The submission prefix; `/add-checkpoint` comes after it."""
    verifier: str
    kind = "witness"
    every = 0

    def anchor(self, checkpoint: Checkpoint) -> str:
        try:
            witness = witness_read(self.verifier)
        except ValueError:
            raise AnchorError(
                "AUDIT_ANCHOR_WITNESS_KEY must be the witness's name+id+base64, of an Ed25519 key."
            ) from None
        old = Anchoring.objects.filter(kind=self.kind).order_by("-size").values_list("size", flat=True).first() or 0
        answer = self._ask(checkpoint, min(old, checkpoint.size))
        if answer.status == 409 and (known := _size(answer)) is not None:
            if known > checkpoint.size:
                raise AnchorError(
                    f"The witness has seen a log of {known} records, and this one has {checkpoint.size}. After a "
                    "restored backup its administrator has to let this log begin again."
                )
            answer = self._ask(checkpoint, known)
        if answer.status != 200:
            raise AnchorError(_refused(answer.status))
        found = cosigned(witness, checkpoint.note, answer.body.decode(errors="replace"))
        if found is None:
            raise AnchorError("The witness's answer is not signed with AUDIT_ANCHOR_WITNESS_KEY.")
        return found[0]

    def held(self) -> Held | None:
        """It tells no more than a size, and only to who asks with another one."""
        return None

    def _ask(self, checkpoint: Checkpoint, old: int) -> Answer:
        path = consistency(old, checkpoint.size).path if 0 < old < checkpoint.size else []
        lines = [f"old {old}", *(base64.b64encode(node).decode() for node in path), "", checkpoint.note]
        try:
            return fetch("POST", f"{self.url.rstrip('/')}/add-checkpoint", body="\n".join(lines).encode())
        except OutgoingError as error:
            raise AnchorError(f"The witness did not answer: {error}") from None


def _size(answer: Answer) -> int | None:
    text = answer.body[: MOST_DIGITS + 1].decode(errors="replace").strip()
    is_size = answer.headers.get("content-type", "").startswith(SIZE) and text.isascii() and text.isdecimal()
    return int(text) if is_size else None


def _refused(status: int) -> str:
    return {
        403: "The witness knows this log by another key (403): give its administrator the one of `audit_key show`.",
        404: "The witness does not know this log (404): give its administrator what `audit_key show` prints.",
        409: "The witness has another root for this size (409): the log it saw is not this one.",
        422: "The witness finds this log inconsistent with what it saw before (422).",
    }.get(status, f"The witness answered {status}.")
