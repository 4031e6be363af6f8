"""The leaf framework: an agent's operations, defined once. It knows no app of the shop."""

from .agent import Agent
from .context import Context, Trace
from .door import call, open_door
from .operation import Effect, Input, Operation, Output, Restriction, operation
from .registry import registry
from .roles import Role

__all__ = [
    "Agent",
    "Context",
    "Effect",
    "Input",
    "Operation",
    "Output",
    "Restriction",
    "Role",
    "Trace",
    "call",
    "open_door",
    "operation",
    "registry",
]
