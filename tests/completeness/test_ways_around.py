"""Our own code goes around no history: what could is named here, with the reason why it may."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests import ROOT

APPS = ("audit", "customers", "inventory", "orchestrator", "pricing", "shop_assistant")
AROUND = {
    "_raw_delete", "skip_history_when_saving", "save_without_historical_record", "SIMPLE_HISTORY_ENABLED", "save_base",
    "_base_manager", "_update", "_insert", "QuerySet", "rows_insert", "rows_update", "execute", "executemany",
    "run_sql_file", "Insert", "Update",
}  # fmt: skip
"""Attributes and functions by which rows can be written without their `save()`."""
MAY: dict[str, set[str]] = {
    "audit/append_only.py": {"execute", "run_sql_file"},  # the triggers
    "audit/completeness/histories.py": {"_base_manager", "execute"},  # reads
    "audit/history.py": {"_base_manager"},  # reads
    "shop_assistant/tracking.py": {"save_base", "_base_manager", "QuerySet", "_raw_delete"},  # is where it is held
    "shop_assistant/bulk.py": {
        "execute",
        "executemany",
        "rows_insert",
        "rows_update",
    },  # refuses tracked models
    "shop_assistant/sql.py": {"execute", "run_sql_file"},
    "shop_assistant/statements.py": {"execute", "Insert", "Update"},
}
UNTRACKED = {
    "audit/fixed_sql.py",
    "audit/sealing.py",
    "audit/services.py",
    "inventory/demand_files.py",
    "inventory/fixed_sql.py",
    "inventory/selectors/analysis.py",
    "orchestrator/apps.py",
    "orchestrator/fixed_sql.py",
    "orchestrator/importing/products_stock.py",
    "orchestrator/importing/sales_storing.py",
    "orchestrator/upgrading.py",
    "shop_assistant/accounts/limits.py",
    "shop_assistant/commands.py",
    "shop_assistant/compiled.py",
    "shop_assistant/measuring.py",
    "shop_assistant/vault/erasing.py",
}
"""Write ledgers, balances, tasks and counters, of which none keeps a history; or read."""
FOLDERS = (
    "audit/verification/",
    "orchestrator/backups/",
    "orchestrator/exporting/",
    "orchestrator/management/",
    "orchestrator/stock_torture/",
)
"""Whole databases; reading."""


def used(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        names = {getattr(node, field, None) for field in ("attr", "id")}
        yield from names & AROUND


def test_no_code_of_ours_goes_around_the_histories():
    found = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "/migrations/" in name or name in UNTRACKED or name.startswith(FOLDERS):
                continue
            if odd := set(used(path)) - MAY.get(name, set()) - _annotations(path):
                found[name] = sorted(odd)
    assert found == {}


def _annotations(path: Path) -> set[str]:
    """QuerySet as a type: nothing is called."""
    tree = ast.parse(path.read_text())
    called = {
        getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    return {"QuerySet"} - called
