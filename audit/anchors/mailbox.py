"""A mailbox of the owner: each message is a checkpoint that nobody at the shop can take back."""

from dataclasses import dataclass
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from audit.models import Checkpoint

from .base import AnchorError, Held

TEXT = """\
A checkpoint of the audit trail of {shop}: {size} records. Keep this message; it needs no answer.

If ever the trail is doubted, put the lines below into a file and give it to the verifier:
manage.py audit_verify, or audit/standalone_verify.py, where the shop itself is not to be trusted.

{note}"""


@dataclass(frozen=True, slots=True)
class MailboxAnchor:
    address: str
    kind = "mailbox"
    every = 3600

    def anchor(self, checkpoint: Checkpoint) -> str:
        message = EmailMessage(
            subject=f"Audit checkpoint: {checkpoint.size} records",
            body=TEXT.format(shop=settings.SHOP_NAME, size=checkpoint.size, note=checkpoint.note),
            to=[self.address],
        )
        message.extra_headers["Message-ID"] = identity = f"<{checkpoint.size}.{checkpoint.root[:12].hex()}@audit>"
        try:
            message.send()
        except (OSError, SMTPException) as error:
            raise AnchorError(
                f"The mail was not sent ({type(error).__name__}): see EMAIL_HOST and what follows it."
            ) from None
        return identity

    def held(self) -> Held | None:
        """The shop can't look into it, and must not be able to."""
        return None
