"""What an operator is given: image, composition, proxies. No container engine is needed to see that they fit."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from orchestrator.upload_pages import MOST_BYTES
from tests import ROOT

from .conftest import free_port

DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def test_the_image_runs_as_nobody_special_and_builds_in_another_stage() -> None:
    assert len(instructions("FROM")) == 2
    assert all(re.search(r"python:3\.11-slim", stage) for stage in instructions("FROM"))
    final = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert instructions("USER") == ["10001"]
    assert "pip" not in final
    assert "--require-hashes" in DOCKERFILE
    assert json.loads(instructions("CMD")[-1])[:2] == ["python", "manage.py"]
    check = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    compile(check[2], "health check", "exec")
    assert "/health/live" in check[2]


def test_every_variable_of_the_image_is_one_the_shop_reads() -> None:
    listed = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    set_here = {pair.split("=")[0] for line in instructions("ENV") for pair in shlex.split(line)}
    of_python = {
        "PATH",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "PIP_NO_CACHE_DIR",
        "PIP_DISABLE_PIP_VERSION_CHECK",
    }
    assert set_here - of_python <= listed
    assert all(set(service["environment"]) <= listed for service in OURS.values())


def is_sent(name: str) -> bool:
    """Whether a file is part of what the image is built from: the last pattern that fits it decides."""
    parts, sent = Path(name).parts, True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        looked_at = parts if pattern.startswith("**/") else parts[:1]
        if line and line[0] != "#" and any(fnmatch.fnmatch(part, pattern.removeprefix("**/")) for part in looked_at):
            sent = line.startswith("!")
    return sent


def test_only_what_the_shop_runs_on_goes_into_the_image() -> None:
    private = [".env", ".env.old", "var/shop.sqlite3", ".git/config", "tests/conftest.py", "monday.zip", "orders.csv"]
    assert [
        name for name in [*private, "orders.csv.rejects.csv", "key.pem", "orchestrator/x.pyc"] if is_sent(name)
    ] == []
    programs = {app.partition(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.partition(".")[0]).is_dir()}
    needed = [*programs, "templates", "manage.py", "requirements/base.txt", "shop_assistant/demo/invoices.csv.gz"]
    assert [name for name in needed if not (is_sent(name) and (ROOT / name).exists())] == []


def test_the_services_fit_together() -> None:
    assert {"web", "worker", "migrate", "database", "redis"} <= set(SERVICES)
    volumes = set(COMPOSE["volumes"])
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for awaited, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[awaited] or awaited in OURS
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
        assert named <= volumes
    commands = get_commands()
    for service in OURS.values():
        command = service.get("command", json.loads(instructions("CMD")[-1]))
        assert command[:2] == ["python", "manage.py"]
        assert command[2] in commands
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["environment"]["ENV"] == "production"
        assert service["environment"]["TASKS_BACKEND"] == "redis"
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"]), "the world comes by the proxy"
    assert "ports" not in SERVICES["database"]
    assert "ports" not in SERVICES["redis"]


def test_postgresqls_client_in_the_image_fits_the_server() -> None:
    assert "slim-trixie" in instructions("FROM")[-1], "Debian 13, whose postgresql-client is 17"
    assert int(SERVICES["database"]["image"].partition(":")[2]) <= 17


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not nginx:
        pytest.skip("nginx is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=shop.example"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    ours = (ROOT / "shop_assistant/deploy/nginx.conf").read_text()
    ours = re.sub(r"ssl_certificate .*;", f"ssl_certificate {certificate};", ours)
    ours = re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {key};", ours)
    ours = re.sub(r"listen \[::\].*\n", "", ours)
    ours = re.sub(r"listen (\d+)", lambda found: f"listen 127.0.0.1:{free_port()}", ours)
    whole = tmp_path / "nginx.conf"
    paths = "".join(
        f"{kind}_temp_path {tmp_path / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(f"pid {tmp_path / 'pid'}; error_log stderr; events {{}} http {{ access_log off; {paths} {ours} }}")
    tried = subprocess.run([nginx, "-t", "-c", whole], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr


def test_the_proxies_wait_for_slow_callers_and_keep_operations_inside() -> None:
    for name, buffering in (("nginx.conf", "proxy_request_buffering on"), ("Caddyfile", "request_buffers")):
        text = (ROOT / "shop_assistant/deploy" / name).read_text()
        assert buffering in text
        assert "/metrics" in text
        assert "/health/ready" in text
    largest = re.search(r"client_max_body_size (\d+)m", (ROOT / "shop_assistant/deploy/nginx.conf").read_text())
    assert largest
    assert int(largest[1]) * 1_000_000 > max(settings.MAX_BODY_BYTES, MOST_BYTES)


def test_a_new_shops_file_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    told = {"ENV": "development", "DATABASE_URL": "", "AUDIT_DB_URL": "", "VAR_DIR": str(tmp_path)}
    environment = {**os.environ, **told, "DJANGO_SETTINGS_MODULE": "shop_assistant.settings.base"}
    file = tmp_path / "shop.sqlite3"
    with subprocess.Popen([sys.executable, "manage.py", "upgrade"], cwd=ROOT, env=environment, umask=0o022) as upgrade:
        while not file.exists() and upgrade.poll() is None:
            time.sleep(0.05)
        upgrade.kill()  # the rest is seen elsewhere
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
