"""A signed checkpoint now, and its anchors."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from audit.anchors import AnchorError, FileAnchor, configured
from audit.anchors.keeping import anchor_newest
from audit.checkpoints import checkpoint_write
from audit.models import Checkpoint
from audit.sealing import LogRefused, seal
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Seal what is waiting, sign a checkpoint of the trail, and bring it to every anchor now. The worker does the "
        "same within a minute of any news (mailbox and time stamp: once an hour)."
    )
    examples = """\
  manage.py audit_checkpoint

exit codes: 0 every anchor has the newest checkpoint, 1 one did not take it, or sealing is refused, 2 wrong usage
"""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            seal()
            made = checkpoint_write()
        except (LogRefused, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
        newest = made or Checkpoint.objects.order_by("-size").first()
        if newest is None:
            self.stdout.write("The trail is empty: there is nothing to sign yet.")
            return
        self.stdout.write(newest.note, ending="")
        self.stdout.write("")
        if not configured():
            self.stdout.write("No anchor is configured: nobody else holds this (see AUDIT_ANCHOR_FILE).")
        if failed := [anchor.kind for anchor in configured() if not self._anchor(anchor)]:
            raise CommandError(f"Not anchored: {', '.join(failed)}. The worker goes on trying.")

    def _anchor(self, anchor: Any) -> bool:
        try:
            anchoring = anchor_newest(anchor, now=True)
        except AnchorError as error:
            self.stderr.write(f"{anchor.kind}: {error}")
            return False
        self.stdout.write(f"{anchor.kind}: {'anchored' if anchoring else 'has it already'}")
        if isinstance(anchor, FileAnchor) and _beside_the_data(anchor.path):
            self.stdout.write(
                f"  {anchor.path} lies beside the shop's own data: it protects from nothing until AUDIT_ANCHOR_FILE "
                "names a file on a volume that others administer."
            )
        return True


def _beside_the_data(path: Path) -> bool:
    return path.resolve().is_relative_to(Path(settings.VAR_DIR).resolve())
