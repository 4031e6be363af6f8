"""The second factor: codes that a device makes from the time (TOTP, RFC 6238), and ten recovery codes.

The secret is sealed like personal data, under a key of the user's own; django-otp's own device would keep it readable,
so only its arithmetic is used.
"""

import hashlib
import secrets
import time
from base64 import b32encode
from typing import NamedTuple
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from shop_assistant.agents import Role
from shop_assistant.vault.sealing import WrongKey
from shop_assistant.vault.services import Opener, key_for, sealer

from .models import ALPHABET, RecoveryCode, SecondFactor, User

RECOVERY_CODES = 10
SECRET_BYTES, DIGITS, STEP = 20, 6, 30
TOLERANCE = 1
"""Steps that a device's clock may be wrong in either direction."""
ENFORCED = (Role.OWNER, Role.MANAGER)


def has_device(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists()


def must_have(user: User) -> bool:
    """Whether this user may do nothing without one: owners, managers and superusers, where it is required."""
    if settings.ADMIN_SECOND_FACTOR != "required":
        return False
    return user.is_superuser or user.groups.filter(name__in=ENFORCED).exists()


class Begun(NamedTuple):
    key: int
    secret: str
    """as base32"""


def device_begin(user: User, begun: int | None = None) -> Begun:
    """A device to be set up, with the same secret until its first code confirms it.

    :param begun: `key` of the one that this login has begun. Another one is replaced: whoever else began it knows its
        secret.
    :raises ValueError: when a device is set up already.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        SecondFactor.objects.filter(user=user, confirmed_at=None).exclude(pk=begun or 0).delete()
        device = SecondFactor.objects.filter(user=user).first()
        if device is None:
            device = SecondFactor(user=user, secret=_seal(user, secrets.token_hex(SECRET_BYTES)))
            device.save()
    if device.confirmed_at:
        raise ValueError("a second factor is set up already")
    return Begun(device.pk, b32encode(_secret(device)).decode())


def setup_uri(user: User, secret: str) -> str:
    """What the QR code says to an authenticator app (otpauth://, as in Google Authenticator's Key URI Format)."""
    issuer = str(settings.SHOP_NAME).replace(":", " ")
    asked = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(user.get_username())}?{asked}"


def device_confirm(user: User, code: str) -> list[str] | None:
    """Set the device up by its first code: it is asked for from now on, and all other logins end.

    :returns: the recovery codes, which are shown this once; None when the code is wrong.
    """
    with transaction.atomic():
        device = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if device is None or not _use_step(device, code):
            return None
        SecondFactor.objects.filter(pk=device.pk).update(confirmed_at=timezone.now())
        user.sessions_end("second factor set up")
        return recovery_codes_make(user)


def accepts(user: User, code: str) -> bool:
    """Whether this is a code of the user's device or a recovery code. Either is used up by this: of parallel attempts
    with the same code one succeeds.
    """
    device = SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()
    if device is None:
        return False
    given = "".join(filter(str.isalnum, code)).upper()
    if len(given) == DIGITS:
        return _use_step(device, given)
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, given), used_at=None)
    return unused.update(used_at=timezone.now()) == 1


def recovery_codes_make(user: User) -> list[str]:
    """Ten new recovery codes; the old ones are good no longer."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(user, code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def device_remove(user: User, because: str) -> bool:
    """Forget device and recovery codes and end all logins; whether there was a device."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        deleted, _ = SecondFactor.objects.filter(user=user).delete()
        if deleted:
            user.sessions_end(because)
    return bool(deleted)


def _use_step(device: SecondFactor, code: str) -> bool:
    """Use up the time step of a right code, and with it all earlier ones."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return False
    clock = TOTP(_secret(device), STEP, digits=DIGITS)
    clock.time = time.time()
    if not clock.verify(int(code), TOLERANCE, device.last_step + 1):
        return False
    used = SecondFactor.objects.filter(pk=device.pk, last_step__lt=clock.t()).update(last_step=clock.t())
    return used == 1


def _seal(user: User, secret: str) -> str:
    key = key_for(f"user:{user.public_id}")
    if key is None:
        raise RuntimeError(f"the key of user {user.public_id} was destroyed")
    return sealer(key, _place(user))(secret)


def _secret(device: SecondFactor) -> bytes:
    """:raises WrongKey: when it was tampered with, or its key is gone."""
    plain = Opener(device.secret).text(device.secret, _place(device.user))
    if plain is None:
        raise WrongKey(f"The key of the second factor of user {device.user.public_id} is gone; reset it.")
    return bytes.fromhex(plain)


def _place(user: User) -> str:
    return f"user|{user.public_id}|second_factor"


def _digest(user: User, code: str) -> str:
    return hashlib.sha256(f"recovery|{user.public_id}|{code}".encode()).hexdigest()
