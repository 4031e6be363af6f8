"""Python's door, for the shell, commands, imports and admin actions of the floors below."""

from typing import Any

from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context

from .services import dispatch


def knock(agent: str, operation: Any, payload: dict[str, Any], **context: Any) -> Any:
    """Run an operation and return its data. Without a `user` the trusted local user `system` asks."""
    asked = Context(**{"user": system_user(), **context})
    return dispatch(agent=agent, operation=operation, payload=payload, context=asked).data
