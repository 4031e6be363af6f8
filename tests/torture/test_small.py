"""A small `make torture`: a few kills, the audit database away for a moment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests import ROOT
from tests.processes import environment

SMALL = {"kills": 3, "tasks": 60, "seconds": 4, "outage": 1.5, "five": 0, "bends": 1, "web": 1, "seed": 4}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_doubled_or_made_up(tmp_path: Path):
    options = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.torture", "--database", connection.vendor, *options]
    report = tmp_path / "report.json"
    told = {"DATABASE_URL": "", "TEST_DATABASE_URL": environment()["TEST_DATABASE_URL"]}
    done = subprocess.run(
        [*command, "--json", str(report)], cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert [found["count"][name] for name in ("lost", "doubled", "phantom")] == [0, 0, 0]
    assert found["count"]["acknowledged"] == SMALL["tasks"]
    assert sum(found["killed"].values()) >= SMALL["kills"]
    assert found["whole"]["verified"]
    assert len(found["bent"]["found"]) == 11
