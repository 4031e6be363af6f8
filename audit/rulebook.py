"""What a compliance rule is, and the book of them all: each app's `compliance` module registers its own."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from django.utils.module_loading import autodiscover_modules
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shop_assistant.agents import Input, Output
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.agents.fields import Number
from shop_assistant.agents.operation import field_errors


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` on, up to but not including `end`."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A transaction to be judged before it happens: asked about, or done and not yet committed."""

    operation: str
    """agent.operation"""
    data: Input
    output: Output | None = None
    """What the operation answers, where it has run: its effect is rolled back unless it is let pass."""
    user_id: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    """What several rules need is found out once."""


@dataclass(frozen=True, slots=True)
class Case:
    """One breach of a rule."""

    entity_type: str
    entity_id: str
    message: str
    evidence: tuple[Any, ...] = ()
    """references; the seqs of the records of `tasks` come before them"""
    at: datetime | None = None
    """when it happened; None: it is so now"""
    caused_by: str = ""
    """whose doing it is; nobody accepts the own"""
    tasks: tuple[UUID, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    """(type, id) of what else it concerns"""
    counts: bool = True
    """False: it is said and costs nothing"""

    def concerns(self, entity: tuple[str, str]) -> bool:
        return entity in ((self.entity_type, self.entity_id), ("user", self.caused_by), *self.about)


class Parameters(BaseModel):
    """What the shop may set of a rule. Each has a default, and a description that states its unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Percent = Annotated[Number, Field(ge=Decimal(0), le=Decimal(100))]
Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
Units = Annotated[Number, Field(ge=Decimal(0), le=Decimal(1_000_000_000))]

Past = Callable[[Period, Any], Iterable[Case]]
Proposed = Callable[[Proposal, Any], Iterable[Case]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    key: str
    title: str
    explanation: str
    """Why it matters and how to put it right."""
    severity: str
    weight: int
    """points lost from 100 when it is broken"""
    parameters: type[Parameters] = Parameters
    past: Past | None = None
    """Cases within a period."""
    proposed: Proposed | None = None
    """Cases that a proposed transaction would make."""
    operations: frozenset[str] = frozenset()
    """Those that `proposed` judges."""

    def read(self, kept: dict[str, Any]) -> Parameters:
        """The shop's parameters over the defaults.

        :raises ValidationFailed: naming each one that does not fit.
        """
        try:
            return self.parameters.model_validate_json(json.dumps(kept), strict=True)
        except (ValidationError, TypeError) as error:
            wrong = field_errors(error) if isinstance(error, ValidationError) else {"parameters": str(error)}
            told = "; ".join(f"{name}: {message}" for name, message in wrong.items())
            raise ValidationFailed(f"The parameters of the rule {self.key} don't fit: {told}", fields=wrong) from None

    @property
    def defaults(self) -> dict[str, Any]:
        """As JSON values."""
        return self.parameters().model_dump(mode="json")


_rules: dict[str, Rule] = {}


def register(*rules: Rule) -> None:
    """:raises TypeError: when a key is taken, or a rule does not say which operations it judges."""
    for rule in rules:
        if rule.key in _rules:
            raise TypeError(f"A compliance rule {rule.key!r} is registered already")
        if bool(rule.proposed) != bool(rule.operations):
            raise TypeError(f"The compliance rule {rule.key!r} needs both `proposed` and `operations`, or neither")
        _rules[rule.key] = rule


@cache
def _discover() -> None:
    autodiscover_modules("compliance")


def rules() -> dict[str, Rule]:
    _discover()
    return _rules
