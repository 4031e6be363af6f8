"""The keys that sign the audit trail's checkpoints."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser

from audit import keys
from audit.anchors import AnchorError, configured
from audit.anchors.keeping import anchor_newest
from audit.checkpoints import checkpoint_write
from audit.models import SigningKey
from audit.sealing import LogRefused, seal
from audit.signed_note import key_named
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Make, show or rotate the Ed25519 keys that sign the audit trail's checkpoints. The private key lies in the "
        "file AUDIT_SIGNING_KEY_FILE, or in AUDIT_SIGNING_KEY; never in a database, and not in a backup. Keep a copy."
    )
    examples = """\
  manage.py audit_key show                  the public keys, for verifiers and witnesses
  manage.py audit_key make                  the first key, into its file (before production: with ENV=development)
  manage.py audit_key make --print          one for AUDIT_SIGNING_KEY in .env, and no file
  manage.py audit_key make --name example.com/shop
  manage.py audit_key rotate                a new key; the old one signs once more with it, then it only verifies
  manage.py audit_key rotate --dry-run

exit codes: 0 done, 1 refused, and why, 2 wrong usage
"""
    requires_system_checks = ()
    checks_keys = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["make", "show", "rotate"])
        parser.add_argument(
            "--name", default="", help="make: of the first key, and so of the log, for good; without spaces or +"
        )
        parser.add_argument("--print", action="store_true", help="make: print the private key, write no file")
        parser.add_argument("--dry-run", action="store_true", help="say what make or rotate would do, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_usage(options)
        try:
            {"make": self._make, "show": self._show, "rotate": self._rotate}[options["what"]](options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{keys.key_file()} can't be written ({error.strerror}).") from None

    def _check_usage(self, options: dict[str, Any]) -> None:
        if options["what"] != "make" and (options["name"] or options["print"]):
            raise CommandError("--name and --print go with make.", returncode=2)
        if options["what"] == "show" and options["dry_run"]:
            raise CommandError("--dry-run goes with make and rotate.", returncode=2)

    def _make(self, options: dict[str, Any]) -> None:
        if "+" in options["name"] or any(map(str.isspace, options["name"])):
            raise CommandError("A key's name has no spaces and no +.", returncode=2)
        if options["print"]:
            self.stdout.write(f"AUDIT_SIGNING_KEY={keys.private_text(keys.signer_new(options['name']))}")
            return
        path = keys.key_file()
        if settings.AUDIT_SIGNING_KEY or path.exists():
            where = "AUDIT_SIGNING_KEY" if settings.AUDIT_SIGNING_KEY else path
            raise CommandError(
                f"There is a key already, in {where}: `audit_key show` shows it, `audit_key rotate` replaces it."
            )
        if options["dry_run"]:
            self.stdout.write(f"A key would be made in {path}.")
            return
        made = keys.key_make(options["name"])
        self.stdout.write(f"Made {path}, which only its owner can read. Keep a copy of it elsewhere. Its public part:")
        self.stdout.write(made.verifiers[0])

    def _show(self, options: dict[str, Any]) -> None:
        ring = keys.ring()
        for number, verifier in enumerate(ring.verifiers):
            use = "in use" if not number else "being replaced" if number < len(ring.signers) else "only verifies"
            self.stdout.write(f"{verifier}  ({use})")

    def _rotate(self, options: dict[str, Any]) -> None:
        ring = keys.ring()
        if settings.AUDIT_SIGNING_KEY and len(ring.signers) > 1:
            self._tell_second_step(ring)
            return
        if options["dry_run"]:
            self.stdout.write(f"{ring.verifiers[0]} would be replaced, and only verify from then on.")
            return
        if settings.AUDIT_SIGNING_KEY:
            self._tell_new_variable(ring)
            return
        if len(ring.signers) == 1:  # else a rotation that was begun is finished
            ring = keys.Ring((keys.signer_new(ring.origin), *ring.signers), ring.retired)
            keys.ring_write(ring)
        try:
            seal()
            checkpoint_write()
        except LogRefused as error:
            raise CommandError(f"The new key is in use, but nothing can be signed just now. {error}") from None
        self._anchor()
        self.stdout.write(
            "Rotated; the first checkpoint of the new key is signed by both. Keep a copy of the file elsewhere."
        )
        self._show(options)

    def _anchor(self) -> None:
        """Who knows the old key alone trusts the new one by this checkpoint."""
        for anchor in configured():
            try:
                anchor_newest(anchor, now=True)
            except AnchorError as error:
                self.stderr.write(f"{anchor.kind}: {error} The worker goes on trying.")

    def _tell_second_step(self, ring: keys.Ring) -> None:
        new, *old = (key_named(signer.verifier) for signer in ring.signers)
        if not SigningKey.objects.filter(verifier=ring.verifiers[0]).exists():
            self.stdout.write(
                f"A rotation has begun: {new} is to replace {', '.join(old)}, and has signed nothing yet. Restart the "
                "shop (or call `audit_checkpoint`), and come back here then."
            )
            return
        later = keys.Ring(ring.signers[:1], tuple(ring.verifiers[1:]))
        self.stdout.write(
            f"A rotation has begun: {new} replaces {', '.join(old)}, and both have signed. Finish it: set this, and "
            "restart the shop:\n"
        )
        self.stdout.write(f"AUDIT_SIGNING_KEY={','.join(later.text().split())}")

    def _tell_new_variable(self, ring: keys.Ring) -> None:
        new = keys.Ring((keys.signer_new(ring.origin), *ring.signers), ring.retired)
        later = keys.Ring(new.signers[:1], tuple(new.verifiers[1:]))
        self.stdout.write(
            "The key is in AUDIT_SIGNING_KEY, which only you can change. Set it to this, and restart the shop:\n"
        )
        self.stdout.write(f"AUDIT_SIGNING_KEY={','.join(new.text().split())}\n")
        self.stdout.write(
            "An hour later the old key has signed with the new one for the last time; then set it to this:\n"
        )
        self.stdout.write(f"AUDIT_SIGNING_KEY={','.join(later.text().split())}")
