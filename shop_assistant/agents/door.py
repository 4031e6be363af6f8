"""The door that lower floors knock at. The orchestrator opens it at start, so nothing imports upwards."""

from collections.abc import Callable
from typing import Any

Door = Callable[..., dict[str, Any]]

_doors: list[Door] = []


def open_door(door: Door) -> None:
    """Called once, by the orchestrator's AppConfig.ready()."""
    _doors[:] = [door]


def call(agent: str, operation: Any, payload: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Run an operation through the orchestrator and return its data as JSON values.

    :param context: fields of Context; without a `user` the local user `system` asks.
    :raises AgentError:
    """
    return _doors[0](agent, operation, payload, **context)
