"""Rules that refuse. An operation is judged when it has run and before it commits: on what it would really do, under
its own locks. A refusal rolls everything back.

Which rules block is read at most every REREAD_SECONDS in a process, and at once after a rule was saved in it. Between
two readings an operation that no rule blocks pays for one look into a dictionary.
"""

from time import monotonic
from typing import Any

from django.apps import apps

from shop_assistant.agents import Context, Input, Output
from shop_assistant.agents.errors import AgainstRules

from .rulebook import Case, Proposal, Rule, rules

REREAD_SECONDS = 5.0

Blocking = dict[str, list[tuple[Rule, dict[str, Any]]]]
"""By operation: the rules that block it, with the shop's parameters."""


class _Known:
    blocking: Blocking = {}  # noqa: RUF012  (one for the process)
    until: float = 0.0


def forget() -> None:
    """Read anew before the next operation."""
    _Known.until = 0.0


def proposal_check(operation: str, data: Input, output: Output, context: Context) -> None:
    """Let an operation that has run, and not committed, pass.

    :raises AgainstRules: naming the first rule that it would break, and how to put it right.
    """
    if monotonic() >= _Known.until:
        _Known.blocking, _Known.until = _read(), monotonic() + REREAD_SECONDS
    judging = _Known.blocking.get(operation)
    if not judging:
        return
    proposal = Proposal(operation=operation, data=data, output=output, user_id=context.user_id)
    for rule, kept in judging:
        found = rule.proposed(proposal, rule.read(kept)) if rule.proposed else ()
        if case := next((case for case in found if case.counts), None):
            raise _refusal(rule, case)


def _read() -> Blocking:
    found: Blocking = {}
    rows = apps.get_model("audit", "ComplianceRule").objects.filter(active=True, blocking=True).order_by("key")
    for key, kept in rows.values_list("key", "parameters"):
        rule = rules().get(key)
        for operation in rule.operations if rule else ():
            found.setdefault(operation, []).append((rules()[key], kept))
    return found


def _refusal(rule: Rule, case: Case) -> AgainstRules:
    return AgainstRules(
        f"The shop's rule \N{LEFT DOUBLE QUOTATION MARK}{rule.title}\N{RIGHT DOUBLE QUOTATION MARK} refuses this: "
        f"{case.message}. {rule.explanation}",
        rule=rule.key,
        title=rule.title,
        explanation=rule.explanation,
        entity_type=case.entity_type,
        entity_id=case.entity_id,
    )
