"""A file on another volume: a JSON object a line, only ever added to.

Beside the database, where a development shop has it, it protects from nothing but mistakes: whoever can rewrite the one
can rewrite the other. On a volume that others administer, or with `chattr +a`, it does what it is for.
"""

import base64
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from audit.keys import Ring, ring
from audit.models import Checkpoint
from audit.signed_note import NoteError, SignedCheckpoint, make, parse, read
from shop_assistant.agents.fields import iso_utc

from .base import AnchorError, Held

TAIL = 262_144
"""Bytes at the file's end that are looked at: some 400 lines."""
RESTORED = "restored-over"
"""An extension line of a checkpoint's note: the log goes on from an older state, and what it ended with before."""

_seen: dict[Path, tuple[tuple[int, int, int], Held | None]] = {}
"""What a file held when it had this inode, length and time of change."""


@dataclass(frozen=True, slots=True)
class FileAnchor:
    path: Path
    kind = "file"
    every = 0

    def anchor(self, checkpoint: Checkpoint) -> str:
        self._append(checkpoint.size, bytes(checkpoint.root), checkpoint.note)
        return self.path.name

    def held(self) -> Held | None:
        """The largest checkpoint, of the last lines, since the last time that the log was restored."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from None
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = _seen.get(self.path)
        if known is None or known[0] != state:
            known = _seen[self.path] = (state, self._largest(ring(), TAIL))
        return known[1]

    def held_in_all(self) -> Held | None:
        """The same of the whole file, however long. Who may only add to it could fill its end with older lines."""
        return self._largest(ring(), tail=None) if self.path.exists() else None

    def begin_again(self, held: Held, now: Held) -> None:
        """From here on the log is another, mostly an older, than what is held: a backup was restored."""
        keys = ring()
        line = f"{RESTORED} {held.size} {base64.b64encode(held.root).decode()}"
        self._append(now.size, now.root, make(keys.origin, now.size, now.root, keys.signers, [line]))

    def _largest(self, keys: Ring, tail: int | None) -> Held | None:
        """:raises AnchorError: when the line that counts is not one of this shop's."""
        largest: tuple[SignedCheckpoint, str] | None = None
        for note in self._notes(tail):
            try:
                found = parse(note)
                over = _restored_over(found)
                if over and largest and over == (largest[0].size, largest[0].root):
                    read(note, keys.verifiers)
                    largest = found, note
                elif largest is None or (not over and found.size > largest[0].size):
                    largest = found, note
            except NoteError:
                continue  # of no checkpoint, or a restoration that nobody of this shop has signed
        if largest is None:
            return None
        try:
            verified = read(largest[1], keys.verifiers)
        except NoteError as error:
            raise AnchorError(self._foreign(str(error))) from None
        if verified.origin != keys.origin:
            raise AnchorError(self._foreign(f"it is of the log {verified.origin}."))
        return Held(verified.size, verified.root)

    def _foreign(self, why: str) -> str:
        return (
            f"{self.path} ends with a checkpoint that is not this shop's: {why} Put the key that signed it into the "
            "key file (its public part is enough), or name this shop's own AUDIT_ANCHOR_FILE."
        )

    def _notes(self, tail: int | None) -> Iterator[str]:
        for line in self._lines(tail):
            try:
                note = json.loads(line)["note"]
            except (ValueError, KeyError, TypeError):
                continue
            if isinstance(note, str):
                yield note

    def _lines(self, tail: int | None) -> Iterator[bytes]:
        """Whole ones: what follows the last newline was cut off while it was written."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0 if tail is None else max(0, size - tail))
                if file.tell():
                    file.readline()
                yield from (line for line in file if line.endswith(b"\n"))
        except OSError as error:
            raise self._unreadable(error) from None

    def _append(self, size: int, root: bytes, note: str) -> None:
        """:raises AnchorError: unless the line is on the disk."""
        told = {"size": size, "root": root.hex(), "note": note, "time": iso_utc(timezone.now())}
        line = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                end = os.lseek(descriptor, 0, os.SEEK_END)
                torn = end and os.pread(descriptor, 1, end - 1) != b"\n"
                whole = b"\n" + line if torn else line
                if os.write(descriptor, whole) < len(whole):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AnchorError(
                f"{self.path} can't be written ({error.strerror}): let the shop's user append to it."
            ) from None

    def _unreadable(self, error: OSError) -> AnchorError:
        return AnchorError(f"{self.path} can't be read ({error.strerror}): let the shop's user read it.")


def _restored_over(found: SignedCheckpoint) -> tuple[int, bytes] | None:
    for line in found.extensions:
        word, _, rest = line.partition(" ")
        size, _, root = rest.partition(" ")
        if word == RESTORED and size.isdecimal():
            return int(size), base64.b64decode(root)
    return None
