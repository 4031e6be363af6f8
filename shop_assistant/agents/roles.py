"""Who works in a shop. A role is a Django group; its permissions derive from the operations."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    CLERK = "clerk"
    AUDITOR = "auditor"
    SERVICE = "service"
    """A program; it may act for other users, within its own permissions."""


STAFF = frozenset({Role.OWNER, Role.MANAGER, Role.CLERK, Role.AUDITOR})
COUNTER = frozenset({Role.OWNER, Role.MANAGER, Role.CLERK})
"""Those who trade: they change stock, sell and serve customers."""
MANAGEMENT = frozenset({Role.OWNER, Role.MANAGER})
OVERSIGHT = frozenset({Role.OWNER, Role.AUDITOR})
