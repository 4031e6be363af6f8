"""Login sessions: opening, rotating and revoking them, and the two tokens that name them."""

from datetime import timedelta
from functools import lru_cache
from time import time
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from shop_assistant.agents.errors import NotAuthenticated
from shop_assistant.compiled import Compiled

from .backends import keep_agent_permissions, with_agent_permissions
from .models import LoginSession, User
from .second_factor import has_device, must_have

REUSE_GRACE = timedelta(seconds=10)
"""A refresh token used again within this time is a race of the same client, not a theft."""

TokenPair = dict[str, str]

_NOT_VALID = "This token is not valid or has expired; get a new one from POST /api/auth/refresh or /api/auth/token."

_LOGGED_IN = Compiled(
    lambda session, user_id: with_agent_permissions(
        User.objects.filter(
            public_id=user_id,
            is_active=True,
            login_sessions__id=session,
            login_sessions__revoked_at=None,
            login_sessions__epoch=F("session_epoch"),
        )
    ),
    session=UUID,
    user_id=str,
)


def session_open(*, user: User) -> TokenPair:
    """Start a session and return its first `access` and `refresh` token."""
    lifetime = timedelta(days=settings.REFRESH_TOKEN_DAYS)
    expires_at = timezone.now() + lifetime
    # The epoch is that of the user whose password was looked at: who has changed it meanwhile has ended this login.
    session = LoginSession.objects.create(user=user, epoch=user.session_epoch, expires_at=expires_at)
    return _tokens(user, session.id, session.token)


def session_rotate(*, refresh: str) -> TokenPair:
    """Trade a refresh token for the next pair. Of parallel attempts one succeeds; a late reuse ends the session.

    :raises NotAuthenticated:
    """
    session_id, token = _claims(refresh)
    session = LoginSession.objects.select_related("user").filter(id=session_id).first()
    now = timezone.now()
    if session is None or session.revoked_at or session.expires_at <= now or not _may_go_on(session):
        raise NotAuthenticated("This login has ended; log in again.")
    following = uuid4()
    rotated = LoginSession.objects.filter(id=session_id, token=token, revoked_at=None).update(
        token=following, rotated_at=now
    )
    if not rotated:
        if session.rotated_at and session.rotated_at < now - REUSE_GRACE:
            session_revoke(session_id=session_id, because="refresh token used twice")
        raise NotAuthenticated("This refresh token has been used; take the newest one or log in again.")
    return _tokens(session.user, session_id, following)


def _may_go_on(session: LoginSession) -> bool:
    """Nor does a login outlast the day on which its user must have a second factor and has none."""
    user = session.user
    if not user.is_active or session.epoch != user.session_epoch:
        return False
    return not must_have(user) or has_device(user)


def session_close(*, refresh: str) -> str:
    """Log out: the session's tokens, access included, are refused from now on. Returns whose it was.

    :raises NotAuthenticated: when it isn't a refresh token of ours.
    """
    session_id, _ = _claims(refresh)
    session_revoke(session_id=session_id, because="logout")
    user_id: str = RefreshToken(refresh, verify=False)["user_id"]  # type: ignore[arg-type]
    return user_id


def session_revoke(*, session_id: UUID, because: str) -> None:
    LoginSession.objects.filter(id=session_id, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_because=because
    )


def session_user(access: str) -> User:
    """The user of an access token and what the agents may do for them, in one query.

    :raises NotAuthenticated:
    """
    try:
        session_id, user_id, expires_at = _access_claims(access)
    except (TokenError, KeyError, ValueError, TypeError, AttributeError):
        raise NotAuthenticated(_NOT_VALID) from None
    if expires_at <= time():
        raise NotAuthenticated(_NOT_VALID)
    user = _LOGGED_IN.first(session=session_id, user_id=user_id)
    if user is None:
        raise NotAuthenticated("This login has ended; log in again at POST /api/auth/token.")
    keep_agent_permissions(user)
    return user


@lru_cache(maxsize=1024)
def _access_claims(access: str) -> tuple[UUID, str, float]:
    """Session, user and end of a token whose signature is ours: looked at once, and then known by the whole token."""
    token = AccessToken(access)  # type: ignore[arg-type]
    return UUID(token["sid"]), str(token.get("user_id")), float(token["exp"])


def _tokens(user: User, session_id: UUID, token: UUID) -> TokenPair:
    refresh = RefreshToken.for_user(user)
    refresh["sid"], refresh["jti"] = str(session_id), str(token)
    access = refresh.access_token
    return {"access": str(access), "refresh": str(refresh)}


def _claims(refresh: str) -> tuple[UUID, UUID]:
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
        return UUID(token["sid"]), UUID(token["jti"])
    except (TokenError, KeyError, ValueError, TypeError, AttributeError):
        raise NotAuthenticated("This is not a valid refresh token; log in again.") from None
