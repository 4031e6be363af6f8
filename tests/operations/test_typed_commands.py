"""Commands as they are typed: what they print, refuse, and leave behind."""

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests import ROOT
from tests.processes import environment


def test_a_port_that_is_taken_is_told_before_anything_starts(settings: Any, transactional_db: None):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings.API_HOST, settings.API_PORT = other.getsockname()
        with pytest.raises(CommandError, match=rf"Port {settings.API_PORT} .* can't be had.*API_PORT"):
            call_command("serve")


def test_each_set_of_keys_has_an_id_of_its_own(capsys: Any):
    call_command("make_keys")
    call_command("make_keys")
    ids = re.findall(r"^ENCRYPTION_KEYS=([a-z0-9-]{1,16}):", capsys.readouterr().out, re.MULTILINE)
    assert len(set(ids)) == 2


@pytest.mark.parametrize("command", ["clean_old_history", "clean_duplicate_history"])
def test_histories_are_not_cleaned(command: str):
    with pytest.raises(CommandError, match="Nothing was removed: histories are append-only"):
        call_command(command)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it is about a file")
@pytest.mark.django_db
def test_a_shop_made_by_plain_migrate(tmp_path: Path):
    """Its file is its owner's alone, nothing is missing in its trail, and answers come without lines of the log."""
    where = environment(VAR_DIR=str(tmp_path), DATABASE_URL=f"sqlite:///{tmp_path / 'shop.sqlite3'}")

    def manage(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, check=False, umask=0o022)

    assert manage("migrate", "-v0").returncode == 0
    assert (tmp_path / "shop.sqlite3").stat().st_mode & 0o777 == 0o600
    told = manage("audit_completeness", "--dry-run")
    assert (told.returncode, told.stderr) == (0, "")
    assert "Nothing is missing." in told.stdout
    judged = manage("compliance_check")
    assert judged.stderr == ""
    refused = manage("clean_old_history", "--auto")
    assert refused.returncode == 1
    assert "Nothing was removed" in refused.stderr
