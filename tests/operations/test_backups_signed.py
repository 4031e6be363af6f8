"""A restored trail is verified with the keys that signed it, or not restored."""

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.keys import private_text, ring, ring_read, signer_new
from audit.models import AuditRecord
from audit.signed_note import key_named
from audit.verification import verify_all
from orchestrator.backups.archive import MANIFEST
from orchestrator.backups.manifest import Manifest
from tests.operations.test_backups import _nobody_else_here  # noqa: F401  (a fixture)
from tests.operations.test_backups_anchored import anchors, sell_and_anchor  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = private_text(signer_new("other-shop/audit"))


@pytest.fixture
def signed(shop: None, anchors: Path, tmp_path: Path) -> Path:  # noqa: F811
    """A backup whose trail has a checkpoint."""
    sell_and_anchor()
    path = tmp_path / "signed.zip"
    call_command("backup", path, stdout=sys.stderr)
    return path


def restore(path: Path, *options: str) -> None:
    call_command("restore", path, "--replace", "--yes", *options)


def test_a_backup_names_the_key_and_another_one_is_refused(signed: Path, settings: Any, tmp_path: Path, capsys: Any):
    needed = key_named(ring().verifiers[0])
    call_command("backup", tmp_path / "told.zip")
    assert f"AUDIT_SIGNING_KEY {needed}" in capsys.readouterr().out
    settings.AUDIT_ANCHOR_FILE, settings.AUDIT_SIGNING_KEY = None, OTHER
    size = AuditRecord.objects.count()
    for options in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match="was signed with the key") as refused:
            restore(signed, *options)
        assert needed in str(refused.value)
        assert "other-shop/audit" in str(refused.value)
        assert AuditRecord.objects.count() == size


def test_without_any_key_none_is_made(signed: Path, settings: Any, tmp_path: Path):
    settings.ENV, settings.AUDIT_SIGNING_KEY = "development", ""
    settings.AUDIT_ANCHOR_FILE, settings.AUDIT_SIGNING_KEY_FILE = None, tmp_path / "new.key"
    with pytest.raises(CommandError, match="no key is set here"):
        restore(signed)
    assert not settings.AUDIT_SIGNING_KEY_FILE.exists()


def test_a_lost_keys_public_part_beside_a_new_one_is_enough(signed: Path, settings: Any):
    old = ring().verifiers[0]
    settings.AUDIT_SIGNING_KEY = f"{private_text(signer_new(ring().origin))},{old}"
    restore(signed)
    sell_and_anchor()
    assert list(verify_all()) == []


def test_a_backup_that_does_not_tell_its_keys_is_verified_none_the_less(signed: Path, settings: Any, tmp_path: Path):
    """As made before backups told of them."""
    older = tmp_path / "older.zip"
    with zipfile.ZipFile(signed) as archive, zipfile.ZipFile(older, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == MANIFEST:
                told = Manifest.model_validate_json(content).model_copy(update={"signing_keys": []}).signed()
                content = told.model_dump_json(exclude={"signing_keys"}).encode()
            copy.writestr(name, content)
    used = settings.AUDIT_SIGNING_KEY
    settings.AUDIT_ANCHOR_FILE, settings.AUDIT_SIGNING_KEY = None, OTHER
    with pytest.raises(CommandError, match="not by a key that is known") as refused:
        restore(older)
    assert key_named(ring_read(used, "here").verifiers[0]) in str(refused.value)
    settings.AUDIT_SIGNING_KEY = used
    restore(older)


def test_a_file_that_is_not_there_is_told_first(tmp_path: Path):
    with pytest.raises(CommandError, match=r"There is no file .*nofile\.zip"):
        call_command("restore", tmp_path / "nofile.zip")
