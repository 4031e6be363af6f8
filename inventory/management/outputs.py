"""Files that a command writes its figures to."""

from pathlib import Path

from django.core.management.base import CommandError


def place_check(path: Path | None, *, data: Path | None) -> None:
    """:raises CommandError: before anything is computed, when there is no such place, or it is the data's own."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        raise CommandError(f"There is no folder for {path}.", returncode=2)
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file in it.", returncode=2)
    if data is not None and path.resolve() == data.resolve():
        raise CommandError(f"{path} is the data itself: name another file.", returncode=2)


def text_write(path: Path, text: str) -> None:
    """:raises CommandError: when it can't be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror or error}.", returncode=1) from None
