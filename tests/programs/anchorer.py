"""Brings the newest checkpoint to the anchor's file, in a process of its own, and is killed meanwhile.

anchorer.py FILE die-before-anchor | die-after-anchor
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

django.setup()

from audit.anchors import FileAnchor  # noqa: E402
from audit.anchors.keeping import anchor_due  # noqa: E402


def main(path: str, how: str) -> None:
    settings.AUDIT_ANCHOR_FILE = Path(path)
    append = FileAnchor._append

    def dying(*args: Any) -> None:
        if how == "die-after-anchor":
            append(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    FileAnchor._append = dying  # type: ignore[method-assign]
    anchor_due(quick=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
