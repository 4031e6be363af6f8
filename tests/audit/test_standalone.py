"""Bent, and all made to fit again: both verifiers find it by what was anchored, and name the same place.

The one reads the shop's databases, the other an export, the public key and a copy of the anchors.
"""

import base64
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from audit import standalone_verify
from audit.append_only import install
from audit.checkpoints import public_keys
from audit.events import canonical, draft
from audit.keys import ring
from audit.models import AuditRecord, Checkpoint
from audit.payloads import doubtful
from audit.sealing import seal
from audit.services import events_record
from audit.signed_note import Signer, key_named, make
from audit.tiles import log_size, root_at
from audit.verification.reading import chunks
from tests.audit.anchoring import anchored, lines
from tests.audit.conftest import events_make, lift, sql
from tests.audit.forging import CLUMSY, THOROUGH, outbox_follows

pytestmark = pytest.mark.django_db
Verify = Callable[..., tuple[int, str]]
HELD = [6, 12]
"""Sizes of the two checkpoints; one record of the first tells of the key."""
BELOW, BETWEEN = random.Random(9162).sample(range(2, 6), 1)[0], random.Random(6962).sample(range(8, 12), 1)[0]


@pytest.fixture
def trail(anchor_file: Path) -> Path:
    """Two anchored checkpoints, of 6 and of 12 records; the anchor file."""
    assert [anchored(5).size, anchored(6).size] == HELD
    return anchor_file


@pytest.fixture
def alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """`alone("--anchors", path)` exports the trail and verifies that: exit code and what was said."""

    def run(*given: object) -> tuple[int, str]:
        path = tmp_path / "trail.jsonl"
        call_command("export", "audit", format="jsonl", output=str(path))
        capsys.readouterr()
        code = standalone_verify.main([str(path), "--key", public_keys()[0], *map(str, given)])
        return code, capsys.readouterr().out

    return run


def bend(way: Callable[[int], None], place: int) -> None:
    lift("audit_record", "audit_checkpoint")
    way(place)
    connection.check_constraints()  # PostgreSQL alters no table with a check still to come
    install("default")


def first_found(verify: Verify) -> tuple[int, set[str]]:
    """The first seq that `audit_verify` names in records and checkpoints, and all kinds."""
    code, printed = verify("--json")
    told = json.loads(printed)
    problems = told["records"]["problems"] + told["checkpoints"]["problems"]
    assert code == 1
    assert told["triggers"]["verdict"] == "whole"
    return min(found["seq"] for found in problems if found["seq"]), {found["kind"] for found in problems}


def test_a_whole_trail(trail: Path, alone: Verify, verify: Verify):
    assert verify()[0] == 0
    events_make(2)
    code, said = alone("--anchors", trail)
    assert code == 0
    assert said.splitlines()[-1] == f"{log_size()} records: OK"
    assert f"{log_size() - 12} records after the 12 that are anchored" in said


@pytest.mark.parametrize("place", [BELOW, BETWEEN])
@pytest.mark.parametrize("way", THOROUGH)
def test_bent_so_that_only_the_anchors_tell(way: str, place: int, trail: Path, alone: Verify, verify: Verify):
    bend(THOROUGH[way], place)
    outbox_follows()
    seq, kinds = first_found(verify)
    code, said = alone("--anchors", trail)
    assert code == 1
    assert kinds & {"checkpoint", "anchor"}
    begun = 1 if place <= HELD[0] or way == "anew" else HELD[0] + 1
    assert seq == {"cut": place, "delete": HELD[1] if place > HELD[0] else 1}.get(way, begun)
    assert said.startswith(f"record {place if way == 'respell' else seq}: ")


@pytest.mark.parametrize(("way", "place"), [*zip(CLUMSY, [BELOW, BETWEEN] * len(CLUMSY), strict=False)])
def test_bent_without_care(way: str, place: int, trail: Path, alone: Verify, verify: Verify):
    bend(CLUMSY[way], place)
    outbox_follows()
    seq, _ = first_found(verify)
    code, said = alone("--anchors", trail)
    assert code == 1
    assert said.startswith(f"record {place}: ")
    assert seq in (place, 1, HELD[0] + 1)


def test_the_key_may_be_a_file_as_the_command_shows_it(trail: Path, tmp_path: Path, alone: Verify):
    shown = StringIO()
    call_command("audit_key", "show", stdout=shown)
    file = tmp_path / "public.key"
    file.write_text(shown.getvalue())
    assert alone("--key", file, "--anchors", trail)[0] == 0


def test_a_forger_who_signs_anew_with_another_key(trail: Path, alone: Verify, verify: Verify):
    bend(THOROUGH["edit"], BELOW)
    outbox_follows()
    forger = Signer("test-shop/audit", Ed25519PrivateKey.generate())
    notes = {size: make("test-shop/audit", size, root_at(size), [forger]) for size in HELD}
    lift("audit_checkpoint")
    for size, note in notes.items():
        sql("UPDATE audit_checkpoint SET root = %s, note = %s WHERE size = %s", [root_at(size), note, size])
    install("default")
    code, printed = verify()
    assert code == 1
    assert "checkpoint 6: its signature does not hold" in printed
    assert "anchor 1: among records 1 to 12 one was changed" in printed
    trail.write_text("".join(json.dumps({"note": note}) + "\n" for note in notes.values()))
    code, said = alone("--anchors", trail)
    named = key_named(forger.verifier)
    assert (code, said) == (1, f"line 1 of anchors.jsonl: it is signed with {named}, which no --key names\n")
    assert "not this shop's" in verify()[1]


def test_a_forger_who_has_the_key_is_found_by_the_anchor(trail: Path, verify: Verify, settings: Any):
    bend(THOROUGH["edit"], BELOW)
    outbox_follows()
    lift("audit_checkpoint")
    for size in HELD:
        note = make("test-shop/audit", size, root_at(size), ring().signers)
        sql("UPDATE audit_checkpoint SET root = %s, note = %s WHERE size = %s", [root_at(size), note, size])
    install("default")
    code, printed = verify()
    assert code == 1
    assert "anchor 1: among records 1 to 12 one was changed, added or taken away" in printed
    assert "checkpoint" not in printed.replace("not the checkpoints", "")


def test_a_checkpoint_whose_columns_are_not_its_note(trail: Path, verify: Verify):
    bend(lambda size: sql("UPDATE audit_checkpoint SET root = %s WHERE size = %s", [b"\x07" * 32, size]), 6)
    code, printed = verify()
    assert code == 1
    assert "checkpoint 6: its columns differ from its signed note" in printed
    assert "12 records, 0 events waiting to be sealed: whole, but not the checkpoints" in printed


def test_a_record_that_excuses_itself(trail: Path, verify: Verify):
    """It says that events up to itself were taken out of the outbox, but no anchor holds it."""
    last = AuditRecord.objects.get(seq=12)
    made = draft("OUTBOX_PRUNED", user_id="system", through=10**9, count=1)
    columns = {name: getattr(made, name) for name in ("event_id", "event", "user_id", "timestamp", "payload", "leaf")}
    chain = standalone_verify.sha256(bytes(last.chain) + made.leaf)
    AuditRecord(seq=13, prev=bytes(last.chain), chain=chain, **columns).save()
    code, printed = verify()
    assert code == 1
    assert "record 13: was never an event of the shop" in printed


def test_a_log_shorter_than_a_checkpoint(trail: Path, verify: Verify, settings: Any):
    settings.AUDIT_ANCHOR_FILE = None
    bend(THOROUGH["cut"], 9)
    outbox_follows()
    assert "checkpoint 9: records 9 to 12 are missing: the checkpoint of 12 records covers 12" in verify()[1]


def test_without_anchors_it_says_what_it_can_not_see(trail: Path, alone: Verify):
    bend(THOROUGH["edit"], BELOW)
    code, said = alone()
    assert code == 0
    assert "without an anchor nothing shows that the log was not made anew, or cut at its end" in said


def test_compressed_and_without_signatures(trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "trail.jsonl.gz"
    call_command("export", "audit", format="jsonl", output=str(tmp_path / "trail.jsonl"))
    path.write_bytes(gzip.compress((tmp_path / "trail.jsonl").read_bytes()))
    assert standalone_verify.main([str(path), "--anchors", str(trail), "--no-signatures"]) == 0
    assert "Not checked: signatures" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-20])
    assert standalone_verify.main([str(path), "--anchors", str(trail), "--no-signatures"]) == 1
    assert "can't be read to its end" in capsys.readouterr().out


def test_a_backup_restored_is_said_and_what_it_replaced_is_not_asked_for(trail: Path, alone: Verify):
    held = lines(trail)[1]
    old_root = make("x", 12, root_at(12), ring().signers).split("\n")[2]
    extension = f"restored-over {held['size']} {old_root}"
    note = make("test-shop/audit", 6, root_at(6), ring().signers, [extension])
    with trail.open("a") as file:
        file.write(json.dumps({"note": note}) + "\n")
    bend(THOROUGH["edit"], 9)
    code, said = alone("--anchors", trail)
    assert code == 0
    assert "a backup was restored: a log of 12 records was set back to 6" in said


def test_a_restoration_told_again_sets_nothing_back(trail: Path, alone: Verify):
    """Lines that the shop did sign, written once more by one who may only add to the file."""
    newest = lines(trail)[1]
    root = base64.b64encode(bytes.fromhex(newest["root"])).decode()
    back = make("test-shop/audit", 6, root_at(6), ring().signers, [f"restored-over 12 {root}"])
    with trail.open("a") as file:
        file.write(json.dumps({"note": back}) + "\n")
    again = anchored(20)
    with trail.open("a") as file:
        file.write(json.dumps({"note": back}) + "\n")
    assert alone("--anchors", trail)[0] == 0
    bend(THOROUGH["edit"], 9)
    code, said = alone("--anchors", trail)
    assert code == 1
    assert f"among records 7 to {again.size} one was changed" in said


@pytest.mark.parametrize("at", [40, "\N{EM DASH}"])
def test_a_line_of_the_anchors_that_was_cut_off(trail: Path, alone: Verify, at: Any):
    """By a crash or a full disk, perhaps within a character; the next line begins anew."""
    first, last = trail.read_bytes().splitlines(keepends=True)
    cut_off = last[: at if isinstance(at, int) else last.index(at.encode()) + 1]
    trail.write_bytes(first + cut_off + b"\n" + last)
    code, said = alone("--anchors", trail)
    assert code == 0
    assert "line 2 of anchors.jsonl: it was cut off" in said


def test_an_anchor_file_that_was_emptied(trail: Path, alone: Verify):
    trail.write_text("")
    assert alone("--anchors", trail) == (1, "anchors.jsonl holds no checkpoint, so nothing can be compared with it\n")


@pytest.mark.parametrize("line", ["[" * 100_000, '{"payload":"\\ud800"}', "[1]", '{"seq":' + "9" * 5000 + "}"])
def test_what_is_no_record_is_said_so(line: str, trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "trail.jsonl"
    call_command("export", "audit", format="jsonl", output=str(path))
    first, *rest = path.read_text().splitlines()
    if "payload" in line:
        line = json.dumps(json.loads(first) | json.loads(line))
    path.write_text("\n".join([line, *rest]))
    capsys.readouterr()
    assert standalone_verify.main([str(path)]) == 1
    assert "line 1 of trail.jsonl: it is no record" in capsys.readouterr().out


def test_a_part_is_as_good_as_its_proofs(trail: Path, alone: Verify, api: Any, tmp_path: Path, capsys: Any):
    owner = api("owner")
    path, proofs = tmp_path / "part.jsonl", tmp_path / "proofs.jsonl"
    call_command("export", "audit", format="jsonl", output=str(path))
    part = [line for line in path.read_text().splitlines() if json.loads(line)["seq"] in (3, 4, 9)]
    path.write_text("\n".join(part))
    asked = [str(path), "--key", public_keys()[0]]
    assert standalone_verify.main(asked) == 1
    assert "record 1: is missing (of a filtered export say --part)" in capsys.readouterr().out
    proofs.write_text("".join(owner.get(f"/api/audit/records/{seq}/proof").content.decode() + "\n" for seq in (3, 9)))
    assert standalone_verify.main([*asked, "--part", "--proofs", str(proofs)]) == 0
    assert "2 of its records are proved to be in the log" in capsys.readouterr().out
    bent = proofs.read_text().replace('"seq":9', '"seq":8').replace('"seq": 9', '"seq": 8')
    proofs.write_text(bent)
    assert standalone_verify.main([*asked, "--part", "--proofs", str(proofs)]) == 1
    assert "line 2 of proofs.jsonl: it does not lead to the root that was signed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["nothing.jsonl"], [], [__file__, "--anchors", __file__], [__file__, "--key", "x"]]
)
def test_wrong_usage(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        standalone_verify.main(arguments)
    assert ended.value.code == 2


def test_without_cryptography_it_says_what_it_left_out(trail: Path, alone: Verify, tmp_path: Path):
    alone()
    command = [sys.executable, "-I", "-S", standalone_verify.__file__, str(tmp_path / "trail.jsonl")]
    command += ["--anchors", str(trail), "--key", public_keys()[0]]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "NOT CHECKED: signatures. `pip install cryptography`, or say --no-signatures." in ran.stdout
    ran = subprocess.run([*command, "--no-signatures"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


some_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(some_json)
def test_both_spell_as_rfc_8785_wants_it(document: Any):
    try:
        spelled = canonical({"a": document})
    except UnicodeEncodeError:
        return
    assert standalone_verify.canonical(json.loads(spelled)) == spelled


@given(some_json, st.sampled_from([None, 1]), st.booleans())
def test_what_passes_the_quick_look_is_spelled_as_it_must_be(document: Any, indent: int | None, sort: bool):
    made = draft("TILL_OPENED", user_id="U", agent="audit")
    body = {**json.loads(made.payload), "details": document}
    separators = (",", ":") if indent is None else None
    try:
        payload = json.dumps(body, ensure_ascii=False, sort_keys=sort, indent=indent, separators=separators)
        leaf = standalone_verify.sha256(b"\x00" + payload.encode())
        right = payload == canonical(json.loads(payload))
    except UnicodeEncodeError:
        return
    moment = made.timestamp.strftime("%Y-%m-%d %H:%M:%S.%f")
    row = (payload, leaf, made.event_id.hex, made.event, None, "U", "audit", moment)
    if not doubtful([row], spelling=True):
        assert right
    assert doubtful([(*row[:5], "V", *row[6:])], spelling=False) == [0]


def test_most_records_pass_the_quick_look(api: Any, shop: None):
    """Else the close look would have all the work."""
    api("owner").post("/api/inventory/query", {"sku": "SKU001"})
    events_record([draft("TILL_OPENED", user_id="U") for _ in range(20)])
    seal()
    ((rows, spelling),) = chunks(1, 0)
    assert spelling
    assert len(rows) == AuditRecord.objects.count() > 20
    assert (
        len(doubtful([row[3:] for row in rows], spelling=True)) <= 2
    )  # a moment of 0 milliseconds is written otherwise
    assert Checkpoint.objects.count() == 0


def test_an_empty_export_proves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "trail.jsonl").touch()
    assert standalone_verify.main([str(tmp_path / "trail.jsonl")]) == 1
    assert "an empty export proves nothing" in capsys.readouterr().out
