"""The locked requirements: complete, hashed, the same for running and testing, silent about where they came from."""

import re

import pytest

from . import ROOT

FOLDER = ROOT / "requirements"
LOCKED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return {found["name"]: found["version"] for found in LOCKED.finditer((FOLDER / name).read_text())}


def wanted(name: str) -> list[str]:
    lines = (FOLDER / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("name", ["base", "dev"])
def test_everything_asked_for_is_locked_and_explained(name: str) -> None:
    locked = pins(f"{name}.txt")
    for line in wanted(f"{name}.in"):
        requirement, _, reason = line.partition("#")
        package = re.split(r"[\[~=<>!; ]", requirement)[0].lower().replace("_", "-")
        assert package in locked, f"run make lock: {package} is not locked"
        assert reason.strip(), f"say why {package} is here"


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_every_lock_has_hashes_and_names_no_index(name: str) -> None:
    text = (FOLDER / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) == len(pins(name)) > 0
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert not re.search(r"^\s*(--|-i|-f)(?!hash)", text, re.MULTILINE)


def test_what_is_tested_is_what_runs() -> None:
    tested = pins("dev.txt")
    assert {name: tested.get(name) for name in pins("base.txt")} == pins("base.txt")
