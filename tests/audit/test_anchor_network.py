"""Anchors on the network, each asked in its own protocol, and each of them doubted."""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import keys
from audit.anchors import AnchorError, configured, keeping
from audit.anchors.keeping import anchor_due, anchor_newest
from audit.checkpoints import public_keys
from audit.models import Anchoring, Checkpoint
from audit.sealing import seal
from audit.signed_note import read
from shop_assistant.agents.jobs import jobs
from tests.audit.anchoring import checkpoint
from tests.audit.conftest import events_make
from tests.audit.witnesses import Authority, Reply, Witness, http, mail_server

pytestmark = pytest.mark.django_db


def anchor() -> Anchoring:
    made = anchor_newest(configured()[0], now=True)
    assert made is not None
    return made


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTGOING_ALLOWED_HOSTS = ["127.0.0.1"]
    keeping._failures.clear()


@pytest.fixture
def witness(settings: Any) -> Iterator[Witness]:
    made = Witness(keys.ring().origin, public_keys())
    with http(made.answer) as url:
        settings.AUDIT_ANCHOR_WITNESS_URL, settings.AUDIT_ANCHOR_WITNESS_KEY = url, made.verifier
        yield made


def test_a_witness_sees_that_each_checkpoint_continues_the_last(witness: Witness):
    for count in (1, 4, 7):
        made = checkpoint(count)
        receipt = anchor().receipt
        assert receipt.startswith("— witness.example ")
        assert (witness.size, witness.root) == (made.size, bytes(made.root))
    assert witness.asked == [0, *Anchoring.objects.order_by("size").values_list("size", flat=True)[:2]]


def test_a_witness_that_knows_more_than_the_receipts_is_asked_again(witness: Witness):
    """Killed between the witness's answer and the row that tells of it."""
    made = checkpoint(3)
    witness.size, witness.root = made.size, bytes(made.root)
    later = checkpoint(4)
    assert anchor().size == later.size
    assert witness.asked == [0, made.size]


def test_a_log_that_does_not_continue_what_the_witness_saw_is_refused(witness: Witness):
    checkpoint(3)
    anchor()
    witness.root = bytes(32)
    checkpoint(3)
    with pytest.raises(AnchorError, match="inconsistent"):
        anchor()


def test_a_witness_that_saw_a_longer_log_says_so(witness: Witness):
    witness.size = 99
    checkpoint(3)
    with pytest.raises(AnchorError, match="seen a log of 99"):
        anchor()


@pytest.mark.parametrize(("field", "value", "told"), [("origin", "x", "404"), ("log_keys", [], "403")])
def test_a_witness_that_does_not_know_the_log_is_told_how(witness: Witness, field: str, value: Any, told: str):
    setattr(witness, field, value)
    checkpoint(3)
    with pytest.raises(AnchorError, match=told):
        anchor()


@pytest.mark.parametrize("answered", ["", "— witness.example AAAA\n", "other note", "other witness"])
def test_an_answer_that_the_witness_did_not_sign_is_no_anchor(settings: Any, witness: Witness, answered: str):
    def answer(path: str, body: bytes) -> Reply:
        note = body.decode().partition("\n\n")[2]
        if answered == "other note":
            return 200, "text/plain", witness.signed(note.replace("1", "2"), 5).encode()
        if answered == "other witness":
            return 200, "text/plain", Witness("", []).signed(note, 5).encode()
        return 200, "text/plain", answered.encode()

    checkpoint(11)
    with http(answer) as settings.AUDIT_ANCHOR_WITNESS_URL, pytest.raises(AnchorError, match="not signed"):
        anchor()
    assert not Anchoring.objects.exists()


def test_a_witness_away_is_tried_again_later(settings: Any, witness: Witness):
    checkpoint(3)
    with http(lambda path, body: (500, "", b"")) as settings.AUDIT_ANCHOR_WITNESS_URL:
        assert anchor_due(quick=False) == 0
    assert anchor_due(quick=False) == 0  # waits, and asks nobody
    assert keeping._failures["witness"][0] == 1
    keeping._failures.clear()
    assert anchor_due(quick=False) == 0  # and the server is gone
    assert keeping._failures["witness"][0] == 1
    events_make(1)
    assert seal() == 1


def test_only_the_network_named_by_the_owner_is_asked(settings: Any, witness: Witness):
    settings.OUTGOING_ALLOWED_HOSTS = []
    checkpoint(3)
    with pytest.raises(AnchorError, match="OUTGOING_ALLOWED_HOSTS"):
        anchor()
    assert witness.asked == []


def test_a_wrong_witness_key_is_told(settings: Any, witness: Witness):
    settings.AUDIT_ANCHOR_WITNESS_KEY = public_keys()[0]  # of a log, not of a witness
    checkpoint(3)
    with pytest.raises(AnchorError, match="AUDIT_ANCHOR_WITNESS_KEY"):
        anchor()


@pytest.fixture
def mailbox(settings: Any) -> Iterator[list[str]]:
    with mail_server() as (port, taken):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
        settings.AUDIT_ANCHOR_MAILBOX = "owner@example.com"
        yield taken


def test_a_mailbox_gets_the_checkpoint(mailbox: list[str]):
    made = checkpoint(3)
    receipt = anchor().receipt
    message = mailbox[0]
    assert f"Subject: Audit checkpoint: {made.size} records" in message
    assert "To: owner@example.com" in message
    assert f"Message-ID: {receipt}" in message
    assert receipt == f"<{made.size}.{bytes(made.root).hex()[:24]}@audit>"
    assert "owner@example.com" not in receipt


def test_the_checkpoint_in_a_message_can_be_verified(mailbox: list[str], mailoutbox: list[Any], settings: Any):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    made = checkpoint(3)
    anchor()
    note = mailoutbox[0].body[mailoutbox[0].body.index(made.note[:10]) :]
    assert read(note, public_keys()).root == made.root


def test_a_mailbox_gets_one_message_an_hour(mailbox: list[str], time_machine: Any):
    time_machine.move_to("2026-03-02 12:00Z", tick=False)
    for minutes, messages in ((0, 1), (30, 1), (31, 2)):
        time_machine.shift(minutes * 60)
        checkpoint(1)
        anchor_due(quick=False)
        assert len(mailbox) == messages
    assert Anchoring.objects.count() == 2


def test_a_mail_server_away_is_told(mailbox: list[str], settings: Any):
    settings.EMAIL_PORT = 1
    checkpoint(1)
    with pytest.raises(AnchorError, match="EMAIL_HOST"):
        anchor()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("the time stamp authority of this test is made of openssl, which is not here")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def stamping(settings: Any, authority: Authority) -> Iterator[Authority]:
    with http(authority.answer) as settings.AUDIT_ANCHOR_TIMESTAMP_URL:
        settings.AUDIT_ANCHOR_TIMESTAMP_ROOT = authority.root
        yield authority


def test_a_time_stamp_is_kept_and_anybody_can_verify_it(stamping: Authority, tmp_path: Path):
    made = checkpoint(3)
    receipt = base64.b64decode(anchor().receipt)
    (tmp_path / "note").write_text(made.note)
    (tmp_path / "stamp.tsr").write_bytes(receipt)
    told = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "note", "-in", "stamp.tsr", "-CAfile", str(stamping.root)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in told.stdout + told.stderr


def test_a_stamp_of_another_request_is_refused(settings: Any, stamping: Authority):
    """An old answer played back: its nonce is another, and so is what it stamps."""
    checkpoint(3)
    anchor()
    kept = (stamping.folder / "reply.tsr").read_bytes()
    checkpoint(3)
    with (
        http(lambda path, body: (200, "application/timestamp-reply", kept)) as settings.AUDIT_ANCHOR_TIMESTAMP_URL,
        pytest.raises(AnchorError, match="can't be relied on"),
    ):
        anchor()


def test_a_stamp_of_an_authority_that_is_not_trusted_is_refused(settings: Any, stamping: Authority, tmp_path: Path):
    settings.AUDIT_ANCHOR_TIMESTAMP_ROOT = Authority(tmp_path).root
    checkpoint(3)
    with pytest.raises(AnchorError, match="can't be relied on"):
        anchor()


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b""), (200, b"nonsense")])
def test_another_answer_is_no_stamp(settings: Any, stamping: Authority, status: int, body: bytes):
    checkpoint(3)
    with (
        http(lambda path, asked: (status, "", body)) as settings.AUDIT_ANCHOR_TIMESTAMP_URL,
        pytest.raises(AnchorError),
    ):
        anchor()


@pytest.mark.parametrize("root", [None, Path("/nowhere")])
def test_a_root_that_is_not_there_is_told(settings: Any, stamping: Authority, root: Path | None):
    settings.AUDIT_ANCHOR_TIMESTAMP_ROOT = root
    checkpoint(3)
    with pytest.raises(AnchorError, match="AUDIT_ANCHOR_TIMESTAMP_ROOT"):
        anchor()


def command() -> str:
    printed = StringIO()
    call_command("audit_checkpoint", stdout=printed, stderr=printed)
    return printed.getvalue()


def test_the_command_brings_a_checkpoint_to_every_anchor(anchor_file: Path, witness: Witness, mailbox: list[str]):
    events_make(3)
    told = command()
    assert Checkpoint.objects.get().note in told
    assert "file: anchored" in told
    assert "witness: anchored" in told
    assert "mailbox: anchored" in told
    assert set(Anchoring.objects.values_list("kind", flat=True)) == {"file", "witness", "mailbox"}
    assert "witness: has it already" in command()


def test_the_command_says_which_anchor_failed(anchor_file: Path, witness: Witness):
    witness.log_keys = []
    events_make(3)
    with pytest.raises(CommandError, match="Not anchored: witness"):
        command()
    assert Anchoring.objects.get().kind == "file"


def test_the_command_says_that_a_file_beside_the_data_is_no_protection(settings: Any, tmp_path: Path):
    settings.VAR_DIR, settings.AUDIT_ANCHOR_FILE = tmp_path, tmp_path / "anchors.jsonl"
    events_make(1)
    assert "protects from nothing" in command()
    settings.VAR_DIR = tmp_path / "var"
    assert "protects" not in command()


def test_the_command_on_an_empty_trail_has_nothing_to_sign():
    assert "nothing to sign" in command()


def test_anchors_on_the_network_keep_no_other_job_waiting():
    """The worker runs what comes round every ten minutes or less often in a thread of its own."""
    job = next(job for job in jobs() if job.name == "audit.jobs.anchor_elsewhere")
    assert job.seconds >= 600
