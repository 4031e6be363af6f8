"""Four eyes: another person approves than the one whose doing it is, where the shop has another who may."""

from datetime import datetime

from shop_assistant.agents.errors import ClarificationNeeded, PermissionDenied

from .selectors import users_who_may


def self_approval(*, permission: str, proposer: str, user_id: str, confirm: bool, what: str) -> bool:
    """Whether this would be somebody's approval of the own doing; allowed only where nobody else may approve.

    :param permission: what approving takes, such as pricing.approve.
    :param confirm: the second confirmation that approving the own doing needs.
    :param what: what is done, in words: "approve prices".
    :raises PermissionDenied: when another person may approve.
    :raises ClarificationNeeded: when nobody else may, and it was not confirmed.
    """
    if user_id != proposer:
        return False
    if others_may(permission, user_id):
        raise PermissionDenied("Another person has to decide on what is your own doing.", proposed_by=proposer)
    if not confirm:
        raise ClarificationNeeded(
            f"Nobody else may {what} here. Decide on your own doing? Confirm it.", missing="confirm"
        )
    return True


def others_may(permission: str, user_id: str) -> bool:
    """Whether anybody else who can log in to the admin may do this; one query."""
    return users_who_may(permission).filter(is_staff=True).exclude(public_id=user_id).exists()


def others_then(permission: str, user_id: str, moment: datetime) -> bool:
    """Whether anybody else who may do this today was there at that time, whichever role they had then; one query."""
    others = users_who_may(permission).filter(is_staff=True, date_joined__lte=moment)
    return others.exclude(public_id=user_id).exists()
