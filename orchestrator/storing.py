"""How a request's data is kept: as JSON in which every personal value is sealed under its subject's key."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shop_assistant.agents import Input, Output
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.operation import UNKNOWN_FIELD
from shop_assistant.agents.payload import plain
from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.services import key_for, sealer, unseal


class LazySealer:
    """Fetches the key when the first personal value turns up, so that most requests ask for none."""

    def __init__(self, task_id: UUID, subject: str | None) -> None:
        self._task_id, self._subject = task_id, subject
        self._seal: Any = None

    @property
    def used(self) -> bool:
        return self._seal is not None

    def __call__(self, value: Any) -> str:
        if self._seal is None:
            self._seal = sealer(self._key(), place(self._task_id))
        sealed: str = self._seal(value)
        return sealed

    def _key(self) -> SubjectKey:
        """The customer's key; the task's own where the customer is unknown or erased."""
        known = key_for(self._subject, create=False) if self._subject else None
        key = known or key_for(f"task:{self._task_id}")
        if key is None:
            raise RuntimeError(f"the key of task {self._task_id} was destroyed while it ran")
        return key


def place(task_id: UUID) -> str:
    return f"task|{task_id}"


def dump_sealed(value: BaseModel, seal: LazySealer) -> dict[str, Any]:
    dumped: dict[str, Any] = value.model_dump(mode="json", context={"seal": seal})
    return dumped


def dump_inputs(data: Input, output: Output | None, task_id: UUID) -> dict[str, Any]:
    """The inputs as stored. What an answer was found out to be about counts too: a profile asked for by e-mail."""
    subject = (output.subject if output else None) or data.subject
    stored: dict[str, Any] = data.model_dump(
        mode="json", exclude_unset=True, context={"seal": LazySealer(task_id, subject)}
    )
    return stored


def dump_refused(payload: Any, task_id: UUID) -> dict[str, Any]:
    """A payload that no operation understood: sealed whole, since nobody knows what is in it."""
    return {"refused": LazySealer(task_id, None)(payload)} if payload else {}


def dump_details(error: AgentError, task_id: UUID) -> dict[str, Any]:
    """An error's details as stored. The names of fields that no operation has are the caller's own words: sealed."""
    kept: dict[str, Any] = plain(error.details)
    if UNKNOWN_FIELD in kept.get("fields", {}).values():
        kept["fields"] = LazySealer(task_id, None)(kept["fields"])
    return kept


def open_stored(stored: Any, task_id: UUID) -> Any:
    """The same data with its sealed values opened; `[erased]` where the key is gone."""
    return unseal(stored, place(task_id))
