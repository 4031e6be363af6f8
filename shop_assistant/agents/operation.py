"""An operation: one named thing an agent can do, described once.

The method's signature is the contract: it takes a Context and an Input and returns an Output (or a union of
outputs). From the mark derive process(), the REST route, its OpenAPI description, the permissions, the
audit text and the contract test's cases. A wrong definition fails when its module is imported.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from string import Formatter
from types import UnionType
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from .context import Context
from .errors import PermissionDenied, ValidationFailed
from .fields import PERSONAL
from .roles import Role


class Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    subject_field: ClassVar[str | None] = None
    """The field that names the customer whom the personal fields are about."""

    @property
    def subject(self) -> str | None:
        return getattr(self, self.subject_field) if self.subject_field else None


class Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    subject_field: ClassVar[str | None] = None

    @property
    def subject(self) -> str | None:
        return getattr(self, self.subject_field) if self.subject_field else None


class Effect(Enum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A way to use an operation that fewer people have."""

    name: str
    when: Callable[[Any], bool]
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    agent: str
    name: str
    summary: str
    input: type[Input]
    output: Any
    """An Output class or a union of them."""
    roles: frozenset[Role]
    restrictions: tuple[Restriction, ...]
    effect: Callable[[Any], Effect]
    audit: str
    route: str | None
    """Path below /api/, or None where only the orchestrator's general route leads here."""
    keeps_output: bool
    """False: the trail keeps the answer's digest only, and so does a task that nobody will ask for the answer."""
    func: Callable[[Any, Context, Any], Output]
    writes: bool
    """Whether it may change anything, whatever its input."""
    personal: bool
    """Whether its input or output has fields that name a person: to store those a key may have to be made."""
    answer: type[BaseModel] = field(repr=False)
    """The envelope of the direct route: {"status": "success", "data": output}."""

    @property
    def label(self) -> str:
        return f"{self.agent}.{self.name}"

    @property
    def permission(self) -> str:
        return f"agents.{self.label}"

    def permissions(self) -> dict[str, frozenset[Role]]:
        """Codename of each permission it needs, with the roles that have it from the start."""
        return {self.label: self.roles} | {f"{self.label}.{r.name}": r.roles for r in self.restrictions}

    def authorize(self, context: Context, data: Input | None = None) -> None:
        """Refuse who may not; with the parsed input also what depends on it.

        :raises PermissionDenied:
        """
        needed = [self.permission]
        if data is not None:
            needed = [f"{self.permission}.{r.name}" for r in self.restrictions if r.when(data)]
        for permission in needed:
            if not context.user.has_perm(permission):
                raise PermissionDenied(
                    f"You need the permission '{permission.removeprefix('agents.')}' for this.",
                    permission=permission.removeprefix("agents."),
                )

    def parse(self, payload: dict[str, Any]) -> Input:
        """Read a payload as JSON, strictly: a number is no string, a string no number.

        :raises ValidationFailed: with what is wrong for each field.
        """
        try:
            return self.input.model_validate_json(json.dumps(payload), strict=True)
        except ValidationError as error:
            raise ValidationFailed(fields=field_errors(error)) from None

    def describe(self, data: Input, output: BaseModel) -> str:
        """The audit text. Its fields are never personal ones (checked at definition)."""
        values = {**data.model_dump(exclude_none=True), **output.model_dump(exclude_none=True)}
        return self.audit.format_map(_Blank({name: _shown(value) for name, value in values.items()}))


def _shown(value: Any) -> Any:
    """150.000 pieces are 150."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "-"


UNKNOWN_FIELD = "Extra inputs are not permitted"
"""What pydantic says of a field that an operation does not have."""


def field_errors(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field; never the value itself, which may be personal."""
    return {
        ".".join(map(str, e["loc"])) or "request": e["msg"].removeprefix("Value error, ")
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    }


def operation(
    *,
    roles: frozenset[Role],
    effect: Effect | Callable[[Any], Effect],
    audit: str,
    route: str | None = None,
    restrictions: tuple[Restriction, ...] = (),
    keeps_output: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark an agent's method as an operation.

    :param roles: who has its permission from the start.
    :param effect: whether it only reads; may depend on the parsed input.
    :param audit: what happened, in words, with {fields} of the input and output.
    :param route: path below /api/.
    :raises TypeError: when the definition is not whole.
    """

    def mark(func: Callable[..., Any]) -> Callable[..., Any]:
        takes, gives = _contract(func)
        _check_audit_text(func, audit, takes, gives)
        title = "".join(part.title() for part in func.__qualname__.replace("Agent", "").replace("_", ".").split("."))
        answer_fields: dict[str, Any] = {"status": (Literal["success"], ...), "data": (gives, ...)}
        func.definition = {  # type: ignore[attr-defined]
            "name": func.__name__.removesuffix("_"),
            "summary": " ".join((func.__doc__ or "").split()),
            "input": takes,
            "output": gives,
            "roles": roles,
            "restrictions": restrictions,
            "effect": effect if callable(effect) else lambda data: effect,
            "writes": effect is not Effect.READ,
            "personal": any(_has_personal(model) for model in (takes, *outputs_of(gives))),
            "audit": audit,
            "route": route,
            "keeps_output": keeps_output,
            "func": func,
            "answer": create_model(f"{title}Answer", **answer_fields),
        }
        return func

    return mark


def _contract(func: Callable[..., Any]) -> tuple[type[Input], Any]:
    name = func.__qualname__
    hints = get_type_hints(func)
    parameters = list(inspect.signature(func).parameters)
    if len(parameters) != 3:
        raise TypeError(f"{name} must take (self, context, data)")
    takes: Any = hints.get(parameters[2])
    gives: Any = hints.get("return")
    if not (isinstance(takes, type) and issubclass(takes, Input)):
        raise TypeError(f"{name} must take an Input")
    if not all(isinstance(o, type) and issubclass(o, Output) for o in outputs_of(gives)):
        raise TypeError(f"{name} must return an Output or a union of them")
    if not func.__doc__:
        raise TypeError(f"{name} needs a docstring: it is what people and models read")
    TypeAdapter(gives)
    return takes, gives


def outputs_of(gives: Any) -> tuple[Any, ...]:
    """The classes of a union, or the one class."""
    return get_args(gives) if isinstance(gives, UnionType) else (gives,)


def _check_audit_text(func: Callable[..., Any], audit: str, takes: type[Input], gives: Any) -> None:
    fields = dict(takes.model_fields)
    for output in outputs_of(gives):
        fields |= output.model_fields
    named = {name for _, name, _, _ in Formatter().parse(audit) if name}
    if unknown := named - set(fields):
        raise TypeError(f"{func.__qualname__}: the audit text names unknown fields {sorted(unknown)}")
    if personal := {name for name in named if PERSONAL in fields[name].metadata or _personal(fields[name].annotation)}:
        raise TypeError(f"{func.__qualname__}: the audit text names personal fields {sorted(personal)}")


def _has_personal(model: type[BaseModel]) -> bool:
    return any(
        PERSONAL in field.metadata or _personal(field.annotation) or any(map(_has_personal, _models(field.annotation)))
        for field in model.model_fields.values()
    )


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models within a type, as in `list[Place] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _personal(annotation: Any) -> bool:
    """Whether something within a type is marked, as in `PersonalText | None`."""
    return any(part is PERSONAL or _personal(part) for part in get_args(annotation))
