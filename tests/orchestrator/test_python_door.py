"""`from orchestrator import get_orchestrator`: Python's door, which is a door like the others."""

import pytest

from audit.models import Outbox
from orchestrator import get_orchestrator
from orchestrator.models import TaskState
from shop_assistant.agents.errors import InsufficientStock, NotFound, ValidationFailed

from .conftest import on_hand

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def test_the_users_example() -> None:
    result = get_orchestrator().inventory_agent.process({"action": "query", "sku": "SKU001"})
    assert result["status"] == "success"
    assert (result["data"]["product_name"], result["data"]["quantity"]) == ("Widget Pro", 150)
    task = TaskState.objects.get()
    assert (task.status, task.user_id, task.channel) == ("completed", "system", "python")
    events = Outbox.objects.filter(task_id=task.task_id).values_list("event", flat=True)
    assert list(events) == ["TASK_STARTED", "TASK_COMPLETED"]


def test_every_agent_is_there() -> None:
    assert set(dir(get_orchestrator())) == {
        "inventory_agent",
        "pricing_agent",
        "audit_agent",
        "customers_agent",
        "sales_agent",
    }
    with pytest.raises(AttributeError, match="inventory_agent"):
        _ = get_orchestrator().kitchen_agent
    with pytest.raises(AttributeError):
        _ = get_orchestrator().inventory


def test_a_write_and_its_failures() -> None:
    agent = get_orchestrator().inventory_agent
    assert agent.process({"action": "update", "sku": "SKU001", "delta": -1})["data"]["quantity"] == 149
    with pytest.raises(InsufficientStock) as caught:
        agent.process({"action": "update", "sku": "SKU001", "delta": -1000})
    assert TaskState.objects.get(task_id=caught.value.task_id).error_code == "INSUFFICIENT_STOCK"
    with pytest.raises(NotFound):
        agent.process({"action": "query", "sku": "SKU999"})
    for action in (None, "burn", 5):
        with pytest.raises(ValidationFailed):
            agent.process({"action": action})
    assert on_hand() == 149


def test_the_request_stays_as_it_was() -> None:
    request = {"action": "query", "sku": "SKU001"}
    get_orchestrator().inventory_agent.process(request)
    assert request == {"action": "query", "sku": "SKU001"}
