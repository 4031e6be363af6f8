"""Who may approve a price: another person than its proposer, where the shop has another who may."""

from shop_assistant.accounts.selectors import users_who_may
from shop_assistant.agents.errors import ClarificationNeeded, PermissionDenied


def self_approval(*, proposer: str, user_id: str, confirm: bool) -> bool:
    """Whether this would be somebody's approval of the own proposal; allowed only where nobody else may approve.

    :param confirm: the second confirmation that this needs.
    :raises PermissionDenied: when another person may approve.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed.
    """
    if user_id != proposer:
        return False
    if _others(user_id):
        raise PermissionDenied("Another person has to approve what you proposed.", proposed_by=proposer)
    if not confirm:
        raise ClarificationNeeded(
            "Nobody else may approve prices here. Approve your own proposal? Confirm it.", missing="confirm"
        )
    return True


def _others(user_id: str) -> bool:
    """Whether anybody else who can log in to the admin may approve prices; one query."""
    may = users_who_may("pricing.approve").filter(is_staff=True)
    return may.exclude(public_id=user_id).exists()
