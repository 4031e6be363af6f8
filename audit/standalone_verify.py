"""Verify an export of the audit trail without the shop: one file, only Python's standard library (3.11 or newer).

  python standalone_verify.py trail.jsonl --key PUBLIC --anchors anchors.jsonl

trail.jsonl    `manage.py export audit --format jsonl --output trail.jsonl`; it may be compressed (gzip)
PUBLIC         the shop's public key, name+id+base64, as `manage.py audit_key show` prints it, or a file of such lines
anchors.jsonl  the anchor file: a JSON object a line, with a signed checkpoint as its "note"

For signatures it needs `pip install cryptography`; everything else is checked without. A filtered export (--part) shows
only that its own records are what they say; --proofs shows that they are in the log: the answers, one a line, of
GET /api/audit/records/{seq}/proof.

exit codes: 0 nothing is wrong with what was checked ("Not checked" lines tell the rest), 1 something is wrong, a file
or signatures could not be read or checked, or the export is empty, which proves nothing, 2 wrong usage
"""

import argparse
import base64
import binascii
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None  # type: ignore[assignment, misc]

COMPARED = ("event_id", "event", "task_id", "user_id", "agent", "timestamp")
GENESIS = bytes(32)
LARGEST_EXACT = 2**53 - 1
RESTORED = "restored-over"


class Wrong(Exception):
    """Something is wrong; the message says what, and where."""


@dataclass(frozen=True)
class Said:
    """The log had so many records and this root."""

    size: int
    root: bytes
    where: str


@dataclass
class Log:
    """What has been read so far."""

    part: bool
    seq: int = 0
    chain: bytes = GENESIS
    count: int = 0
    subtrees: list[bytes] = field(default_factory=list)
    """Hashes of the largest complete subtrees, from the left (RFC 6962, section 2.1)."""

    def add(self, line: dict[str, Any]) -> bytes:
        """Check one record; its leaf.

        :raises Wrong:
        """
        seq = line["seq"]
        if seq <= self.seq:
            raise Wrong(f"record {seq}: comes after record {self.seq}")
        follows = seq == self.seq + 1
        if not follows and not self.part:
            raise Wrong(f"record {self.seq + 1}: is missing (of a filtered export say --part)")
        payload, leaf, chain = line["payload"], bytes.fromhex(line["leaf"]), bytes.fromhex(line["chain"])
        if sha256(b"\x00" + payload.encode()) != leaf:
            raise Wrong(f"record {seq}: its payload was changed: the leaf does not match")
        check_columns(seq, line, payload)
        before = bytes.fromhex(line["prev"]) if "prev" in line else (self.chain if follows else None)
        if follows and before != self.chain:
            raise Wrong(f"record {seq}: does not follow the record before it")
        if before is not None and sha256(before + leaf) != chain:
            raise Wrong(f"record {seq}: its chain value was changed")
        if not self.part:
            self.grow(leaf)
        self.seq, self.chain, self.count = seq, chain, self.count + 1
        return leaf

    def grow(self, leaf: bytes) -> None:
        size = self.count
        while size & 1:
            leaf, size = node(self.subtrees.pop(), leaf), size >> 1
        self.subtrees.append(leaf)

    def root(self) -> bytes:
        if not self.subtrees:
            return sha256(b"")
        *lefts, root = self.subtrees
        for left in reversed(lefts):
            root = node(left, root)
        return root


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def check_columns(seq: int, line: dict[str, Any], payload: str) -> None:
    """:raises Wrong: when a column says otherwise than the payload, or that is not spelled as RFC 8785 wants it."""
    try:
        document = json.loads(payload)
        spelled = canonical(document)
    except (ValueError, RecursionError):
        document, spelled = None, ""
    if not isinstance(document, dict) or spelled != payload:
        raise Wrong(f"record {seq}: its columns differ from its payload: payload")
    if wrong := [name for name in COMPARED if document.get(name) != line[name]]:
        raise Wrong(f"record {seq}: its columns differ from its payload: {', '.join(wrong)}")


def canonical(value: Any) -> str:
    """RFC 8785; a whole number past 2**53 is never spelled right, since it should have been text."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return ecmascript(value)
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return ""
    return json.dumps(value, ensure_ascii=False)


def ecmascript(value: float) -> str:
    """Number::toString of ECMA-262."""
    if value == 0:
        return "0"
    sign, numbers, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, numbers))
    point = len(digits) + int(exponent)
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        text = f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1:+d}"
    return "-" * sign + text


def verifier(text: str) -> tuple[str, bytes, bytes]:
    """name, id and key of name+id+base64 (https://c2sp.org/signed-note).

    :raises ValueError:
    """
    name, told, encoded = text.strip().split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if len(key) != 33 or key[0] != 1 or sha256(f"{name}\n".encode() + key)[:4].hex() != told:
        raise ValueError(f"{name} is no Ed25519 key, or not all of it")
    return name, bytes.fromhex(told), key[1:]


def checkpoint(note: str, keys: list[tuple[str, bytes, bytes]]) -> tuple[int, bytes, list[str]]:
    """Size, root and further lines of a signed checkpoint (https://c2sp.org/tlog-checkpoint).

    :param keys: one of them must have signed it; none: nobody's signature is asked for.
    :raises Wrong: without saying where.
    """
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    try:
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (LookupError, ValueError, binascii.Error):
        raise Wrong("it is no checkpoint") from None
    if not blank or not lines[0] or str(size) != lines[1] or size < 0 or len(root) != 32:
        raise Wrong("it is no checkpoint")
    if keys and not any(signed(f"{text}\n", line, key) for line in signatures.splitlines() for key in keys):
        raise Wrong(f"it is signed with {', '.join(signers(signatures)) or 'no key'}, which no --key names")
    if keys and lines[0] not in {name for name, _, _ in keys}:
        raise Wrong(f"it is of another log: {lines[0]}")
    return size, root, lines[3:]


def signers(signatures: str) -> list[str]:
    """name+id of each, as it says itself."""
    found = (line.removeprefix("— ").rpartition(" ") for line in signatures.splitlines())
    return [f"{name}+{base64.b64decode(encoded)[:4].hex()}" for name, _, encoded in found]


def signed(text: str, line: str, key: tuple[str, bytes, bytes]) -> bool:
    """:raises Wrong: for a false signature in the name of this key."""
    name, key_id, public = key
    if not line.startswith(f"— {name} "):
        return False
    try:
        signature = base64.b64decode(line.rpartition(" ")[2], validate=True)
    except (ValueError, binascii.Error):
        raise Wrong("its signature is malformed") from None
    if signature[:4] != key_id:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
    except InvalidSignature:
        raise Wrong(f"the signature of {name} is false") from None
    return True


def anchors_read(path: Path, keys: list[tuple[str, bytes, bytes]], notes: list[str]) -> list[Said]:
    """:raises Wrong: for a line that is no checkpoint, or not one that these keys have signed."""
    said: list[Said] = []
    for number, text in enumerate(lines_of(path, errors="replace"), 1):
        where = f"line {number} of {path.name}"
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            notes.append(f"{where}: it was cut off while it was written, and does not count.")
            continue
        try:
            size, root, more = checkpoint(told["note"], keys)
        except Wrong as error:
            raise Wrong(f"{where}: {error}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise Wrong(f"{where}: it is no anchored checkpoint") from None
        if over := [line for line in more if line.startswith(f"{RESTORED} ")]:
            last = max(said, key=lambda one: one.size, default=None)
            if last and over != [f"{RESTORED} {last.size} {base64.b64encode(last.root).decode()}"]:
                notes.append(f"{where}: it tells of a restoration over another log, and does not count.")
                continue
            if last and last.size > size:
                notes.append(f"{where}: a backup was restored: a log of {last.size} records was set back to {size}.")
            said = [old for old in said if old.size <= size]
        said.append(Said(size, root, where))
    if not said:
        raise Wrong(f"{path.name} holds no checkpoint, so nothing can be compared with it")
    return sorted(said, key=lambda one: one.size)


def proofs_read(path: Path, keys: list[tuple[str, bytes, bytes]]) -> dict[int, bytes]:
    """The leaf by seq, of proofs that hold.

    :raises Wrong:
    """
    leaves = {}
    for number, text in enumerate(lines_of(path), 1):
        try:
            told = json.loads(text)
            told = told.get("data", told)
            seq, size, leaf = told["seq"], told["size"], bytes.fromhex(told["leaf"])
            signed_size, root, _ = checkpoint(told["note"] or "", keys)
            path_root = climb(seq - 1, size, leaf, [bytes.fromhex(one) for one in told["hashes"]])
            if (signed_size, root) != (size, path_root):
                raise Wrong("it does not lead to the root that was signed")
        except Wrong as error:
            raise Wrong(f"line {number} of {path.name}: {error}") from None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise Wrong(f"line {number} of {path.name}: it is no proof") from None
        leaves[seq] = leaf
    return leaves


def climb(index: int, size: int, leaf: bytes, path: Iterable[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); None when it has the wrong length."""
    last = size - 1
    if not 0 <= index <= last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            leaf = node(sibling, leaf)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = node(leaf, sibling)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None


def lines_of(path: Path, *, errors: str = "strict") -> Iterator[str]:
    """:raises Wrong: when it can't be read to its end."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        reading: Any = gzip.open if packed else open
        with reading(path, "rt", encoding="utf-8", errors=errors) as text:
            yield from (line for line in text if line.strip())
    except (OSError, EOFError, ValueError) as error:
        raise Wrong(f"{path.name} can't be read to its end: {error}") from None


def records_of(path: Path) -> Iterator[dict[str, Any]]:
    """:raises Wrong: for a line that is no record with its leaf."""
    for number, text in enumerate(lines_of(path), 1):
        try:
            line = json.loads(text)
            texts = [line[name] for name in ("payload", "leaf", "chain", *COMPARED) if name != "task_id"]
            if type(line["seq"]) is not int or line["seq"] < 1 or not all(type(one) is str for one in texts):
                raise ValueError
            hashes = [bytes.fromhex(line[name]) for name in ("leaf", "chain", "prev") if name in line]
            line["payload"].encode()
            if "task_id" not in line or any(len(one) != 32 for one in hashes):
                raise ValueError
        except (ValueError, LookupError, TypeError, RecursionError):
            raise Wrong(f"line {number} of {path.name}: it is no record of an export in JSON lines") from None
        yield line


def verify(log: Log, records: Iterable[dict[str, Any]], said: list[Said], proofs: dict[int, bytes]) -> int:
    """Read it all; up to which record it is anchored.

    :raises Wrong: at the first that is wrong.
    """
    held, coming = 0, iter([] if log.part else said)
    following = next(coming, None)
    while following and following.size == 0:
        following = next(coming, None)
    for line in records:
        leaf = log.add(line)
        if proofs.pop(log.seq, leaf) != leaf:
            raise Wrong(f"record {log.seq}: is another than the one that is proved to be in the log")
        while following and following.size == log.seq:
            if log.root() != following.root:
                among = f"among records {held + 1} to {log.seq} one" if held + 1 < log.seq else "this record"
                raise Wrong(f"record {held + 1}: {among} was changed, added or taken away since it was anchored")
            held, following = log.seq, next(coming, None)
    if following:
        largest = max(one.size for one in said)
        raise Wrong(f"record {log.seq + 1}: is missing: {largest} were anchored ({said[-1].where})")
    if proofs:
        raise Wrong(f"record {min(proofs)}: is proved to be in the log, but is missing here")
    return held


def arguments(given: list[str] | None) -> argparse.Namespace:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path, help="the trail in JSON lines, as it is or compressed with gzip")
    parser.add_argument("--key", action="append", default=[], metavar="PUBLIC", help="may be given more than once")
    parser.add_argument("--anchors", type=Path, metavar="FILE", help="what the anchor file holds")
    parser.add_argument("--proofs", type=Path, metavar="FILE", help="answers of the API's /proof, one a line")
    parser.add_argument("--part", action="store_true", help="the export is filtered: records are left out on purpose")
    parser.add_argument("--no-signatures", action="store_true", help="check all but the signatures")
    asked = parser.parse_args(given)
    for path in (asked.export, asked.anchors, asked.proofs):
        if path and not path.is_file():
            parser.error(f"{path} is no file")
    if (asked.anchors or asked.proofs) and not asked.key and not asked.no_signatures:
        parser.error("say with --key whose signatures count, or --no-signatures")
    try:
        asked.keys = [verifier(line) for key in asked.key for line in key_lines(key)]
    except (ValueError, OSError) as error:
        parser.error(f"--key is no public key (name+id+base64) and no file of them: {error}")
    return asked


def key_lines(given: str) -> list[str]:
    """Of a file, as `audit_key show` writes it, its public keys; a text that is none is the key itself."""
    if given.count("+") >= 2:
        return [given]
    lines = Path(given).read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("PRIVATE+KEY+")]


def main(given: list[str] | None = None) -> int:
    asked = arguments(given)
    unable = bool(asked.keys) and not asked.no_signatures and Ed25519PublicKey is None
    keys = [] if unable or asked.no_signatures else asked.keys
    notes: list[str] = []
    log = Log(part=asked.part)
    try:
        said = anchors_read(asked.anchors, keys, notes) if asked.anchors else []
        proofs = proofs_read(asked.proofs, keys) if asked.proofs else {}
        proved = len(proofs)
        held = verify(log, records_of(asked.export), said, proofs)
        if not log.count:
            raise Wrong(f"{asked.export.name} has no records: an empty export proves nothing")
    except Wrong as error:
        print(error)
        return 1
    notes += unchecked(asked, log, held, proved)
    if unable:
        notes.append("NOT CHECKED: signatures. `pip install cryptography`, or say --no-signatures.")
    print("\n".join([*notes, f"{log.count} records: {'not all of it was checked' if unable else 'OK'}"]))
    return 1 if unable else 0


def unchecked(asked: argparse.Namespace, log: Log, held: int, proved: int) -> Iterator[str]:
    """What this says nothing of."""
    if asked.no_signatures:
        yield "Not checked: signatures (--no-signatures). Whoever wrote these anchors may have written the log."
    if log.part:
        yield (
            f"Not checked: a part of a log can't show what was left out of it. {proved} of its records are proved to "
            "be in the log; of the others only that they are what their own leaves say."
        )
    elif not held:
        yield "Not checked: without an anchor nothing shows that the log was not made anew, or cut at its end."
    elif held < log.seq:
        yield f"Not checked: {log.seq - held} records after the {held} that are anchored; only their chain holds them."


if __name__ == "__main__":
    sys.exit(main())
