"""Reading the settings as a fresh process would."""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

Load = Callable[..., Any]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """`load("production", API_PORT="80")` is the settings module as these variables alone make it."""

    def read(kind: str = "base", **variables: str) -> Any:
        for name in re.findall(r"^([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
            monkeypatch.setenv(name, "")
        for name, value in {"VAR_DIR": str(tmp_path), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "shop_assistant.settings.base", raising=False)
        sys.modules.pop("shop_assistant.settings.production", None)
        return importlib.import_module(f"shop_assistant.settings.{kind}")

    return read
