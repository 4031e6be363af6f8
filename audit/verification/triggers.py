"""The triggers that keep the databases from changing what was recorded. Without them the records may still be whole."""

from collections.abc import Iterator

from audit.append_only import changed_triggers, foreign_triggers, missing_triggers, triggers_switched_off

from .problem import Problem

AGAIN = "rows can be changed unseen. `manage.py upgrade` puts it back; find out who did it"


def verify_triggers(using: str) -> Iterator[Problem]:
    missing = missing_triggers(using)
    off = triggers_switched_off(using) if missing else ()
    for name in missing:
        yield Problem("trigger", None, f"{name} is {'switched off' if name in off else 'missing'}: {AGAIN}")
    for name in foreign_triggers(using):
        yield Problem(
            "trigger", None, f"{name} is not the shop's: it may swallow what is written. Find out who made it"
        )
    for name in changed_triggers(using):
        yield Problem("trigger", None, f"{name} is not the shop's own any more: {AGAIN}")
