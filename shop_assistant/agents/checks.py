"""System checks: a wrong set of definitions fails at start, not at the first request."""

from collections import Counter
from typing import Any, get_args

from django.core.checks import CheckMessage, Error
from pydantic import BaseModel

from .operation import Operation, outputs_of
from .registry import registry

PERMISSION_LENGTH = 100
"""of Django's Permission.codename"""


def _model_names(operations: list[Operation]) -> Counter[str]:
    """How many different classes, of inputs, outputs and what they are made of, bear each name."""
    found: dict[str, set[Any]] = {}
    waiting: list[Any] = [kind for o in operations for kind in (o.input, *outputs_of(o.output))]
    seen: set[Any] = set()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
            seen.add(kind)
            found.setdefault(kind.__name__, set()).add(kind)
            waiting += [column.annotation for column in kind.model_fields.values()]
        else:
            waiting += get_args(kind)
    return Counter({name: len(kinds) for name, kinds in found.items()})


def check_operations(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    operations = list(registry.operations())
    routes = Counter(o.route for o in operations if o.route)
    problems: list[CheckMessage] = [
        Error(f"Several operations claim the route /api/{route}.", id="agents.E001")
        for route, count in routes.items()
        if count > 1
    ]
    pages = Counter(page for agent in registry.agents.values() for page in agent.pages)
    problems += [
        Error(f"Several agents claim the page {page!r}.", id="agents.E002") for page, n in pages.items() if n > 1
    ]
    problems += [
        Error(
            f"Several models of operations are called {name}: OpenAPI would take one for the other.", id="agents.E004"
        )
        for name, count in _model_names(operations).items()
        if count > 1
    ]
    problems += [
        Error(f"{codename} is too long for a permission.", id="agents.E003")
        for operation in operations
        for codename in operation.permissions()
        if len(codename) > PERMISSION_LENGTH
    ]
    return problems
