"""The keys that sign checkpoints: made, shown, rotated, and never in a database."""

import base64
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from audit import events, keys
from audit.checkpoints import checkpoint_write, public_keys
from audit.checks import signing_key, signing_key_of_the_log
from audit.models import AuditRecord, Checkpoint, SigningKey
from audit.sealing import seal
from audit.signed_note import NoteError, key_named, read
from tests.audit.anchoring import anchored, checkpoint, lines

GIVEN = keys.private_text(keys.signer_new("shop/audit"))


def audit_key(*arguments: str) -> str:
    printed = StringIO()
    call_command("audit_key", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.fixture
def key_file(settings: Any, tmp_path: Path) -> Path:
    settings.AUDIT_SIGNING_KEY = ""
    settings.AUDIT_SIGNING_KEY_FILE = tmp_path / "keys" / "audit.key"
    path: Path = settings.AUDIT_SIGNING_KEY_FILE
    return path


def test_a_key_is_made_in_a_file_of_its_owner(key_file: Path):
    told = audit_key("make", "--name", "example.com/shop")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().startswith("PRIVATE+KEY+example.com/shop+")
    assert list(key_file.parent.iterdir()) == [key_file]
    assert public_keys()[0] in told
    assert "PRIVATE" not in told
    assert public_keys()[0] in audit_key("show")


def test_a_key_is_never_replaced_by_making_another(key_file: Path):
    audit_key("make")
    before = key_file.read_text()
    with pytest.raises(CommandError, match="rotate"):
        audit_key("make")
    assert key_file.read_text() == before


def test_a_dry_run_makes_nothing(key_file: Path):
    assert str(key_file) in audit_key("make", "--dry-run")
    assert not key_file.exists()


@pytest.mark.parametrize("name", ["a b", "a+b"])
def test_a_name_that_no_key_can_have_is_wrong_usage(key_file: Path, name: str):
    with pytest.raises(CommandError) as refused:
        audit_key("make", "--name", name)
    assert refused.value.returncode == 2


def test_a_printed_key_is_one_to_set(settings: Any):
    settings.AUDIT_SIGNING_KEY = audit_key("make", "--print").strip().removeprefix("AUDIT_SIGNING_KEY=")
    assert len(public_keys()) == 1


def test_each_shop_has_an_origin_of_its_own():
    assert keys.signer_new().name != keys.signer_new().name
    assert keys.signer_new().name.startswith("the-little-widget-shop")


def test_development_makes_its_key_and_production_asks_for_one(key_file: Path, settings: Any):
    with pytest.raises(ImproperlyConfigured, match="audit_key make"):
        keys.ring_to_sign(first=True)
    settings.ENV = "development"
    with pytest.raises(ImproperlyConfigured, match="audit_key make"):
        keys.ring()
    with pytest.raises(ImproperlyConfigured, match="audit_key make"):
        keys.ring_to_sign(first=False)
    assert not key_file.exists()
    assert keys.ring_to_sign(first=True).verifiers == keys.ring().verifiers
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "PRIVATE+KEY+shop/audit+00000000+AAAA",
        GIVEN[:-8] + "AAAAAAA=",
        GIVEN.replace("shop/", "shap/"),
        f"{GIVEN},half+a+verifier",
        f"{GIVEN},{keys.private_text(keys.signer_new('other/audit'))}",
        keys.signer_new().verifier,
    ],
    ids=["nonsense", "short", "cut", "renamed", "with half a verifier", "of two origins", "public only"],
)
def test_a_wrong_key_is_told_and_not_shown(settings: Any, text: str):
    settings.AUDIT_SIGNING_KEY = text
    with pytest.raises(ImproperlyConfigured, match="AUDIT_SIGNING_KEY") as refused:
        keys.ring()
    assert GIVEN[-40:] not in str(refused.value)


def test_a_broken_key_stops_the_start(settings: Any):
    assert signing_key() == []
    settings.AUDIT_SIGNING_KEY = "nonsense"
    assert [found.id for found in run_checks() if found.id.startswith("audit.")] == ["audit.E001"]


def test_a_missing_file_is_told(settings: Any):
    settings.AUDIT_SIGNING_KEY, settings.AUDIT_SIGNING_KEY_FILE = "", None
    with pytest.raises(CommandError, match="AUDIT_SIGNING_KEY_FILE"):
        audit_key("show")


@pytest.mark.django_db
def test_the_first_checkpoint_after_a_rotation_is_signed_by_both(key_file: Path):
    audit_key("make")
    old, first = public_keys()[0], checkpoint()
    told = audit_key("rotate")
    new = public_keys()[0]
    assert public_keys() == [new, old]
    assert new in told
    both = Checkpoint.objects.latest("size")
    assert both.size > first.size
    for verifier in (new, old):
        assert read(both.note, [verifier]).root == both.root
    after = checkpoint()
    assert read(after.note, [new]).size == after.size
    with pytest.raises(NoteError):
        read(after.note, [old])
    for note in Checkpoint.objects.values_list("note", flat=True):
        read(note, public_keys())
    assert list(SigningKey.objects.order_by("id").values_list("verifier", "since_size")) == [
        (old, first.size),
        (new, both.size),
    ]
    told_of = AuditRecord.objects.filter(event__in=[events.KEY_MADE, events.KEY_ROTATED]).order_by("seq")
    assert [record.event for record in told_of] == [events.KEY_MADE, events.KEY_ROTATED]
    assert new in told_of[1].payload
    assert key_file.read_text().count("PRIVATE") == 1


@pytest.mark.django_db
def test_a_rotation_that_was_cut_off_is_finished_by_the_worker(key_file: Path):
    audit_key("make")
    checkpoint()
    ring = keys.ring()
    keys.ring_write(keys.Ring((keys.signer_new(ring.origin), *ring.signers)))  # and then it was killed
    both = checkpoint()
    for verifier in keys.ring().verifiers:
        read(both.note, [verifier])
    assert len(keys.ring().signers) == 1
    assert keys.ring().retired == (ring.verifiers[0],)


@pytest.mark.django_db
def test_a_key_in_the_environment_is_rotated_by_who_can_change_it(settings: Any):
    checkpoint()
    old = public_keys()[0]
    variables = [line for line in audit_key("rotate").splitlines() if line.startswith("AUDIT_SIGNING_KEY=")]
    settings.AUDIT_SIGNING_KEY = variables[0].partition("=")[2]
    both = checkpoint()
    assert all(read(both.note, [verifier]) for verifier in public_keys())
    settings.AUDIT_SIGNING_KEY = variables[1].partition("=")[2]
    assert old in public_keys()
    with pytest.raises(NoteError):
        read(checkpoint().note, [old])


@pytest.mark.django_db
def test_a_dry_rotation_changes_nothing(key_file: Path):
    audit_key("make")
    before = key_file.read_text()
    assert "would" in audit_key("rotate", "--dry-run")
    assert key_file.read_text() == before
    assert not Checkpoint.objects.exists()


@pytest.mark.django_db
def test_no_private_key_is_in_the_database(key_file: Path):
    audit_key("make")
    secrets = [keys.ring().signers[0]]
    checkpoint()
    audit_key("rotate")
    secrets += keys.ring().signers
    seal()
    checkpoint_write()
    raw = [signer.key.private_bytes_raw() for signer in secrets]
    told = [form for key in raw for form in (base64.b64encode(b"\x01" + key).decode()[4:-4], key.hex())]
    for model in apps.get_app_config("audit").get_models():
        for row in model._base_manager.values():
            assert not any(form in str(value) for value in row.values() for form in told)
            assert not any(key in bytes(v) for v in row.values() if isinstance(v, bytes | memoryview) for key in raw)


OTHER = keys.private_text(keys.signer_new("other/audit"))


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["worker", "serve"])
def test_the_shop_does_not_start_with_another_key(settings: Any, command: str):
    checkpoint()
    used = keys.ring().verifiers[0]
    settings.AUDIT_SIGNING_KEY = OTHER
    with pytest.raises(ImproperlyConfigured, match="last signed with the key") as refused:
        call_command(command)
    assert key_named(used) in str(refused.value)
    assert "other/audit" in str(refused.value)
    assert [found.id for found in signing_key_of_the_log(databases=["default"])] == ["audit.E002"]
    with pytest.raises(CommandError, match="last signed with the key"):
        call_command("audit_checkpoint")
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db
def test_a_new_key_that_knows_the_old_one_goes_on(settings: Any):
    checkpoint()
    old = keys.ring().verifiers[0]
    settings.AUDIT_SIGNING_KEY = f"{keys.private_text(keys.signer_new(keys.ring().origin))},{old}"
    assert signing_key_of_the_log(databases=["default"]) == []
    assert read(checkpoint().note, public_keys())


@pytest.mark.django_db
def test_rubbish_is_told_like_any_other_wrong_variable(settings: Any):
    settings.AUDIT_SIGNING_KEY = "nonsense"
    with pytest.raises(ImproperlyConfigured, match="AUDIT_SIGNING_KEY holds no audit signing key"):
        call_command("retention", "--dry-run")


@pytest.mark.django_db
def test_in_development_who_only_reads_makes_no_key(key_file: Path, settings: Any):
    used = settings.AUDIT_SIGNING_KEY = GIVEN
    checkpoint()
    settings.ENV, settings.AUDIT_SIGNING_KEY = "development", ""
    with pytest.raises(SystemExit):
        call_command("audit_verify", stdout=StringIO())
    with pytest.raises(CommandError, match="no key is set here") as refused:
        call_command("audit_checkpoint")
    assert key_named(keys.ring_read(used, "here").verifiers[0]) in str(refused.value)
    assert not key_file.exists()


@pytest.mark.django_db
def test_an_unknown_signer_is_named_with_its_id(settings: Any):
    note, (used,) = checkpoint().note, public_keys()
    settings.AUDIT_SIGNING_KEY = OTHER
    with pytest.raises(NoteError) as refused:
        read(note, public_keys())
    assert key_named(used) in str(refused.value)


@pytest.mark.django_db
def test_rotations_one_after_the_other_are_all_anchored(key_file: Path, anchor_file: Path):
    audit_key("make")
    checkpoint()
    for _ in range(2):
        audit_key("rotate")
    checkpoint()
    sizes = set(SigningKey.objects.order_by("id").values_list("since_size", flat=True)[1:])
    assert len(sizes) == 2
    assert sizes <= {line["size"] for line in lines(anchor_file)}


@pytest.mark.django_db
def test_a_new_keys_first_checkpoint_is_anchored_although_another_came(settings: Any, anchor_file: Path):
    anchored()
    settings.AUDIT_SIGNING_KEY = _rotated()[0]
    both = checkpoint()
    newest = anchored()
    assert [line["size"] for line in lines(anchor_file)][1:] == [both.size, newest.size]


def _rotated() -> list[str]:
    return [line.partition("=")[2] for line in audit_key("rotate").splitlines() if line.startswith("AUDIT_SIGNING")]


@pytest.mark.django_db
def test_a_rotation_in_the_environment_that_has_begun_is_gone_on_with(settings: Any):
    checkpoint()
    settings.AUDIT_SIGNING_KEY, later = _rotated()
    assert "has signed nothing yet" in audit_key("rotate")
    assert _rotated() == []
    checkpoint()
    assert "has begun" in audit_key("rotate")
    assert _rotated() == [later]


@pytest.mark.parametrize(
    "arguments", [["rotate", "--name", "x"], ["show", "--print"], ["show", "--dry-run"], ["rotate", "--print"]]
)
def test_an_option_of_another_word_is_wrong_usage(key_file: Path, arguments: list[str]):
    with pytest.raises(CommandError, match="go") as refused:
        audit_key(*arguments)
    assert refused.value.returncode == 2
    assert not key_file.exists()
