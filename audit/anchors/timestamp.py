"""An RFC 3161 time stamp: an authority signs that this checkpoint existed at this time."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.models import Checkpoint
from shop_assistant.outgoing import OutgoingError, fetch

from .base import AnchorError, Held

HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


@dataclass(frozen=True, slots=True)
class TimestampAnchor:
    url: str
    root: Path | None
    """PEM of the certificates that the authority's chain ends with."""
    kind = "timestamp"
    every = 3600

    def anchor(self, checkpoint: Checkpoint) -> str:
        """The answer, in base64: a TimeStampResp over SHA-256 of the note."""
        note, roots = checkpoint.note.encode(), self._roots()
        request = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
        try:
            answer = fetch("POST", self.url, body=request.as_bytes(), headers=HEADERS)
        except OutgoingError as error:
            raise AnchorError(f"The time stamp authority did not answer: {error}") from None
        if answer.status != 200:
            raise AnchorError(f"The time stamp authority answered {answer.status}.")
        _check(answer.body, note, roots, request)
        return base64.b64encode(answer.body).decode()

    def held(self) -> Held | None:
        """The authority keeps nothing; the answers are the proof."""
        return None

    def _roots(self) -> list[Certificate]:
        try:
            return load_pem_x509_certificates(self.root.read_bytes() if self.root else b"")
        except (OSError, ValueError):
            raise AnchorError("AUDIT_ANCHOR_TIMESTAMP_ROOT must name a PEM file of the authority's root.") from None


def _check(answer: bytes, note: bytes, roots: list[Certificate], request: TimeStampRequest) -> None:
    """:raises AnchorError: unless the authority of these roots has stamped this note, and in answer to this request."""
    builder = VerifierBuilder.from_request(request)
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        response = decode_timestamp_response(answer)
        builder.build().verify(response, hashlib.sha256(note).digest())
    except (VerificationError, ValueError) as error:
        raise AnchorError(f"The time stamp can't be relied on: {error}") from None
