"""Is the trail whole?"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from audit.models import Checkpoint, Outbox
from audit.verification import Problem, log_size, verify_all
from orchestrator.completeness import verify_completeness
from shop_assistant.commands import ShopCommand

SHOWN = 100
KEPT = 1000
TWO_FROM = 50_000
"""Records from which on a second process is worth its start."""
PARTS = {"trigger": "triggers", "checkpoint": "checkpoints", "anchor": "checkpoints"}
"""What is judged apart from the records, by a problem's kind."""


@dataclass
class Part:
    found: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        self.found += 1
        if self.found <= KEPT:
            self.problems.append(problem)

    def told(self) -> dict[str, Any]:
        return {
            "verdict": "broken" if self.found else "whole",
            "found": self.found,
            "problems": [asdict(problem) for problem in self.problems],
        }


class Command(ShopCommand):
    help = (
        "Verify the audit trail: every record against its payload and the one before it, the Merkle tree over them "
        "against its signed checkpoints and what the anchors hold, the outbox, that every ended task was told, and the "
        "triggers that guard it all. Reads only."
    )
    examples = """\
  manage.py audit_verify
  manage.py audit_verify --json       one JSON object, for programs; of each part the first 1,000 problems

Without the shop, with no more than an export, the public key and the anchor file:
  python audit/standalone_verify.py trail.jsonl --key PUBLIC --anchors FILE

exit codes: 0 whole, 1 something is wrong, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        size = log_size()
        two = size >= TWO_FROM and (os.cpu_count() or 1) > 1
        with tqdm(total=size, unit=" records", disable=not sys.stderr.isatty(), leave=False) as bar:
            parts = _judged(chain(verify_all(two=two, progress=bar.update), verify_completeness()))
        waiting = Outbox.objects.filter(sealed_at=None).count()
        if options["json"]:
            covered = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
            told: dict[str, Any] = {"ok": not any(part.found for part in parts.values())}
            told |= {name: part.told() for name, part in parts.items()}
            told["records"] |= {"size": size, "waiting": waiting}
            told["checkpoints"] |= {"covered": covered}
            self.stdout.write(json.dumps(told))
        else:
            self._tell(parts, f"{size} records, {waiting} events waiting to be sealed")
        if any(part.found for part in parts.values()):
            sys.exit(1)

    def _tell(self, parts: dict[str, Part], counted: str) -> None:
        problems = [problem for part in parts.values() for problem in part.problems]
        for problem in problems[:SHOWN]:
            self.stdout.write(self.style.ERROR(str(problem)))
        found = sum(part.found for part in parts.values())
        if found > SHOWN:
            self.stdout.write(f"... and {found - SHOWN} more")
        apart = [name for name in ("checkpoints", "triggers") if parts[name].found]
        verdict = f"{found} problems" if parts["records"].found else "whole"
        if apart and not parts["records"].found:
            verdict += f", but not the {' and the '.join(apart)}"
        self.stdout.write(f"{counted}: {verdict}")


def _judged(problems: Iterable[Problem]) -> dict[str, Part]:
    parts = {"records": Part(), "checkpoints": Part(), "triggers": Part()}
    for problem in problems:
        parts[PARTS.get(problem.kind, "records")].add(problem)
    return parts
