"""The tests' own environment, set before Django reads its settings.

They run the same everywhere: the variables that .env and .env.example name count as not set, whatever a developer has
put there, and files go into a folder that is removed afterwards. Only TEST_DATABASE_URL comes from outside.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

import django

ROOT = Path(__file__).parent.parent
VAR_DIR = Path(tempfile.mkdtemp(prefix="shop-tests-"))
atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)


def _forget_the_developers_settings() -> None:
    for file in (ROOT / ".env", ROOT / ".env.example"):
        if file.exists():
            for name in re.findall(r"^[#\s]*(?:export\s+)?([A-Z][A-Z0-9_]+)\s*=", file.read_text(), re.MULTILINE):
                if name != "TEST_DATABASE_URL":
                    os.environ[name] = ""  # blank, not absent: .env would fill in what is absent
    os.environ.setdefault("TEST_DATABASE_URL", "")


_forget_the_developers_settings()
os.environ |= {"ENV": "test", "VAR_DIR": str(VAR_DIR), "DATABASE_URL": "", "AUDIT_DB_URL": ""}
os.environ["DJANGO_SETTINGS_MODULE"] = "shop_assistant.settings.test"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # else xdist's processes inherit it, and read the settings before this is done
