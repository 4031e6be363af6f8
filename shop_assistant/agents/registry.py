"""All agents by name. Apps' `agent` and `flows` modules are imported on first use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

from .errors import ValidationFailed

if TYPE_CHECKING:
    from .agent import Agent
    from .operation import Operation


class Registry:
    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}
        self._discovered = False

    def register(self, agent: "Agent") -> None:
        if agent.name in self._agents:
            raise TypeError(f"An agent named {agent.name!r} is registered already")
        self._agents[agent.name] = agent

    @property
    def agents(self) -> dict[str, "Agent"]:
        if not self._discovered:
            autodiscover_modules("agent", "flows")
            self._discovered = True
        return self._agents

    def operations(self) -> Iterator["Operation"]:
        for agent in self.agents.values():
            yield from agent.operations.values()

    def get(self, agent: str, name: object) -> "Operation":
        """:raises ValidationFailed: naming the operations there are."""
        found = self.agents.get(agent)
        if found is None:
            raise ValidationFailed(f"There is no such agent; take one of {', '.join(self.agents)}.")
        if not isinstance(name, str) or name not in found.operations:
            raise ValidationFailed(
                "Name one of this agent's operations as `action`.",
                fields={"action": f"must be one of {', '.join(found.operations)}"},
            )
        return found.operations[name]


registry = Registry()
