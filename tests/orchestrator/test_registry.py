"""Walks the registry: whatever is defined is whole, on every door, and as the contract has it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import checks
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from pydantic import BaseModel

from shop_assistant.agents import Agent, Context, Effect, Input, Operation, Output, Role, operation, registry
from shop_assistant.agents.fields import PersonalText
from tests.cases import MAY, PAYLOADS, RESTRICTED, ROUTES

OPERATIONS = {o.label: o for o in registry.operations()}
every_operation = pytest.mark.parametrize("label", sorted(OPERATIONS))


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def test_the_contracts_operations_are_all_there_and_tested() -> None:
    assert set(OPERATIONS) == set(PAYLOADS) == set(MAY)
    assert {f"{label}.{r.name}" for label, o in OPERATIONS.items() for r in o.restrictions} == set(RESTRICTED)


@every_operation
def test_an_operation_is_described(label: str) -> None:
    found = OPERATIONS[label]
    assert len(found.summary) > 20
    assert found.roles <= set(Role)
    assert found.audit
    assert all(name in registry.agents for name in [found.agent])


@every_operation
def test_an_operation_has_the_contracts_route(label: str) -> None:
    found = OPERATIONS[label]
    if label == "audit.query":
        assert found.route is None
        assert resolve("/api/ai/audit")
    else:
        assert f"/api/{found.route}" == ROUTES[label]
        assert resolve(ROUTES[label]).func.cls.__name__ == f"{registry.agents[found.agent].title}ViewSet"


@every_operation
@pytest.mark.django_db
def test_an_operation_has_its_permissions_and_roles_have_them(label: str) -> None:
    for codename, roles in OPERATIONS[label].permissions().items():
        held = Permission.objects.get(content_type__app_label="agents", codename=codename)
        assert {group.name for group in held.group_set.all()} == {role.value for role in roles}


@every_operation
def test_an_operation_has_examples_that_it_takes(label: str) -> None:
    examples = OPERATIONS[label].input.model_json_schema().get("examples", [])
    assert examples, f"{label}: its input's model_config has no examples"
    for example in examples:
        OPERATIONS[label].parse(example)


@every_operation
def test_an_operations_fields_say_their_kind(label: str) -> None:
    """No string for a number anywhere: neither asked for nor answered."""
    found = OPERATIONS[label]
    for schema in (found.input.model_json_schema(), found.answer.model_json_schema(mode="serialization")):
        assert '"anyOf": [{"type": "number"}, {"type": "string"}]' not in str(schema).replace("'", '"')


@every_operation
def test_an_operation_is_in_the_openapi_description_with_its_answer(label: str, description: dict[str, Any]) -> None:
    found = OPERATIONS[label]
    if label == "audit.query":
        described = description["paths"]["/api/ai/audit"]["get"]
    else:
        described = description["paths"][ROUTES[label]]["post"]
        asked = described["requestBody"]["content"]["application/json"]["schema"]
        fields = set(_schema(description, asked)["properties"])
        assert fields >= {field.alias or name for name, field in found.input.model_fields.items()}
        assert fields >= {"action", "user_id", "session_id"}
        assert {p["name"] for p in described["parameters"]} == {"Idempotency-Key", "Prefer"}
        assert {"200", "202", "400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"} <= set(
            described["responses"]
        )
    answered = _schema(description, described["responses"]["200"]["content"]["application/json"]["schema"])
    assert set(answered["properties"]) == {"status", "data"}
    for status, response in described["responses"].items():
        if int(status) >= 400:
            refused = _schema(description, response["content"]["application/json"]["schema"])
            assert set(refused["properties"]) == {"success", "task_id", "error", "timestamp"}


def test_every_described_path_is_one_of_the_contracts(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert set(description["paths"]) == set(ROUTES.values()) | {
        "/api/ai/query",
        "/api/ai/task/{task_id}",
        "/api/ai/audit",
        "/api/audit/records/{seq}/proof",
        "/api/audit/checkpoints",
        "/api/audit/consistency",
        "/api/auth/token",
        "/api/auth/refresh",
        "/api/auth/logout",
        "/health/live",
        "/health/ready",
    }


def _schema(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def test_the_system_checks_find_nothing() -> None:
    assert checks.run_checks() == []


# A wrong definition fails when its module is imported.


class Asked(Input):
    sku: str
    note: PersonalText | None = None


class Given(Output):
    sku: str


def test_a_definition_without_a_docstring_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a docstring"):

        @operation(roles=frozenset({Role.OWNER}), effect=Effect.READ, audit="x")
        def nameless(self: Any, context: Context, data: Asked) -> Given:
            return Given(sku=data.sku)


@pytest.mark.parametrize(
    ("text", "complaint"), [("did {nothing}", "unknown fields"), ("said {note}", "personal fields")]
)
def test_an_audit_text_names_only_known_fields_that_are_not_personal(text: str, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):

        @operation(roles=frozenset({Role.OWNER}), effect=Effect.READ, audit=text)
        def told(self: Any, context: Context, data: Asked) -> Given:
            """Tell."""
            return Given(sku=data.sku)


def test_input_and_output_must_be_the_frameworks() -> None:
    with pytest.raises(TypeError, match="must take an Input"):

        @operation(roles=frozenset({Role.OWNER}), effect=Effect.READ, audit="x")
        def loose(self: Any, context: Context, data: dict) -> Given:  # type: ignore[type-arg]
            """Take anything."""
            return Given(sku="")

    with pytest.raises(TypeError, match="must return an Output"):

        @operation(roles=frozenset({Role.OWNER}), effect=Effect.READ, audit="x")
        def answerless(self: Any, context: Context, data: Asked) -> BaseModel:
            """Answer anything."""
            return data


def test_two_agents_cannot_have_one_name() -> None:
    with pytest.raises(TypeError, match="registered already"):
        type("InventoryAgent", (Agent,), {"name": "inventory", "pages": ()})


def test_definitions_are_frozen() -> None:
    found: Any = OPERATIONS["inventory.query"]
    assert isinstance(found, Operation)
    with pytest.raises(AttributeError):
        found.roles = frozenset(Role)
