"""Keys for production."""

import secrets
from typing import Any

from django.utils import timezone

from audit.keys import private_text, signer_new
from shop_assistant.commands import ShopCommand
from shop_assistant.environment import new_key


class Command(ShopCommand):
    help = "Print fresh keys for a production .env; keep them safe, and a copy elsewhere."
    examples = """\
  ENV=development manage.py make_keys
"""
    requires_system_checks = ()
    checks_keys = False

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"SECRET_KEY={secrets.token_urlsafe(48)}")
        self.stdout.write(f"ENCRYPTION_KEYS=k{timezone.now():%Y%m%d}-{secrets.token_hex(2)}:{new_key()}")
        self.stdout.write(f"LOOKUP_KEY={new_key()}")
        self.stdout.write(f"AUDIT_SIGNING_KEY={private_text(signer_new())}")
