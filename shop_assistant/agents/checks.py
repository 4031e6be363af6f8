"""System checks: a wrong set of definitions fails at start, not at the first request."""

from collections import Counter
from typing import Any

from django.core.checks import CheckMessage, Error

from .registry import registry

PERMISSION_LENGTH = 100
"""of Django's Permission.codename"""


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
        Error(f"{codename} is too long for a permission.", id="agents.E003")
        for operation in operations
        for codename in operation.permissions()
        if len(codename) > PERMISSION_LENGTH
    ]
    return problems
