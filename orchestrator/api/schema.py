"""How drf-spectacular reads our routes: pydantic models on both sides, each route with its errors."""

from typing import Any

from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from pydantic import BaseModel, ValidationError


class ShopSchema(AutoSchema):
    def get_operation_id(self) -> str:
        """`inventory_query` for POST /api/inventory/query."""
        parts = self.path.removeprefix("/api/").replace("-", "_").replace("{", "").replace("}", "").split("/")
        return "_".join(part for part in parts if part)

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part]
        return [parts[1] if parts[0] == "api" else "operations"]

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> Any:
        """A body is required where an empty object wouldn't do."""
        schema, required = super()._get_request_for_media_type(serializer, direction)
        if isinstance(serializer, type) and issubclass(serializer, BaseModel):
            required = not _does_without(serializer)
        return schema, required


def _does_without(model: type[BaseModel]) -> bool:
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


class PydanticInputExtension(PydanticExtension):
    """A request is described as what is read, an answer as what is written."""

    priority = 1

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        mode = "validation" if direction == "request" else "serialization"
        schema = self.target.model_json_schema(ref_template="#/components/schemas/{model}", mode=mode)
        for name, part in schema.pop("$defs", {}).items():
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=part)
            if component in auto_schema.registry and auto_schema.registry[component].schema != part:
                raise TypeError(f"Two models of the API are named {name}; rename one.")
            auto_schema.registry.register_on_missing(component)
        return schema


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "shop_assistant.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` of POST /api/auth/token.",
        }
