"""The one door to all agents.

from orchestrator import get_orchestrator
get_orchestrator().inventory_agent.process({"action": "query", "sku": "SKU001"})
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shop_assistant.agents import Agent


class Orchestrator:
    """Its attributes are the agents: inventory_agent, pricing_agent, audit_agent, customers_agent, sales_agent."""

    def __getattr__(self, name: str) -> "Agent":
        from shop_assistant.agents import registry

        agent = registry.agents.get(name.removesuffix("_agent"))
        if agent is None or not name.endswith("_agent"):
            raise AttributeError(f"There is no {name}; there are {', '.join(f'{a}_agent' for a in registry.agents)}")
        return agent

    def __dir__(self) -> list[Any]:
        from shop_assistant.agents import registry

        return [f"{name}_agent" for name in registry.agents]


def get_orchestrator() -> Orchestrator:
    return Orchestrator()
