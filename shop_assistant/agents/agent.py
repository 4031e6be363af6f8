"""Base class of every agent."""

from typing import Any, ClassVar

from .door import call
from .operation import Operation
from .registry import registry


class Agent:
    """Subclass it in an app's `agent` module, name it and mark its operations, in the class itself or in classes that
    it is made of: it registers itself.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """As the log lines name it: InventoryAgent."""
    pages: ClassVar[tuple[str, ...]]
    """What the front end calls its pages, in lower case."""
    operations: ClassVar[dict[str, Operation]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.title = cls.__name__
        parts = (vars(part).values() for part in cls.__mro__)
        marked = [m.definition for members in parts for m in members if hasattr(m, "definition")]
        cls.operations = {d["name"]: Operation(agent=cls.name, **d) for d in marked}
        registry.register(cls())

    def process(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run `{"action": name, …}` as the local user `system` and answer `{"status": "success", "data": {…}}`.

        :raises AgentError:
        """
        payload = dict(request)
        return {"status": "success", "data": call(self.name, payload.pop("action", None), payload)}
