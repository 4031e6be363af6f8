from tests.orchestrator.conftest import laboratory

__all__ = ["laboratory"]
