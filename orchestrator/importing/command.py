"""What the import commands share: their options, the progress bar, and what is said of the rejected."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.headers import MappingError, parsed
from shop_assistant.tables.reading import TableError, file_check

SHOWN = 10


class ImportCommand(ShopCommand):
    rows = "rows"
    """What the file's rows are called."""
    after_failure = "Nothing was changed."

    def add_file_arguments(self, parser: CommandParser, presets: Collection[str] = ()) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, .csv.gz, TSV or XLSX")
        if presets:
            parser.add_argument("--preset", choices=sorted(presets), help="what the file is; guessed from its header")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=HEADER", help="which column a field is; repeatable"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, write nothing")
        parser.add_argument("--rejects", type=Path, metavar="PATH", help=f"where rejected {self.rows} go")
        parser.add_argument("--encoding", help="of a text file, such as cp1252; guessed")
        parser.add_argument("--delimiter", help="between the cells of a text file, such as ';'; guessed")
        parser.add_argument("--sheet", help="of a workbook; the first one with a table")

    def run(self, importing: Callable[..., Any], options: dict[str, Any], **more: Any) -> Any:
        """Call the import with the shared options and a progress bar.

        :raises CommandError: for whatever it refuses.
        """
        try:
            file_check(options["file"])
        except TableError as error:
            raise CommandError(str(error), returncode=2) from None
        names = ("preset", "dry_run", "rejects", "encoding", "sheet")
        shared = {name: options[name] for name in names if name in options}
        shared["delimiter"] = _delimiter(options["delimiter"])
        try:
            with self._bar() as progress:
                return importing(
                    path=options["file"],
                    user_id=SYSTEM_USER_ID,
                    mapping=parsed(options["map"]),
                    progress=progress,
                    **shared,
                    **more,
                )
        except MappingError as error:
            raise CommandError(str(error), returncode=2) from None
        except TableError as error:
            raise CommandError(f"{error} Nothing was changed.", returncode=1) from None
        except DatabaseError as error:
            told = str(error).partition("\n")[0]  # what follows may quote the row
            raise CommandError(f"The database refused it ({told}). {self.after_failure}", returncode=1) from None
        except OSError as error:
            raise CommandError(f"{error.strerror or error}. {self.after_failure}", returncode=1) from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {self.after_failure}", returncode=1) from None

    def tell_outcome(self, result: Any, *, dry_run: bool) -> None:
        """The rejected, and the summary; ends with exit code 1 where rows were rejected."""
        for line, reason in result.first_rejects[:SHOWN]:
            self.stdout.write(f"Rejected line {line}: {reason}")
        if result.rejected > SHOWN:
            self.stdout.write(f"… and {result.rejected - SHOWN:,} more")
        if result.rejects_path:
            self.stdout.write(f"Rejected {self.rows}, with the reason: {result.rejects_path}")
        if dry_run:
            self.stdout.write("Dry run: nothing was changed.")
        self.stdout.write(result.summary)
        if result.rejected:
            sys.exit(1)

    @contextmanager
    def _bar(self) -> Iterator[Callable[[str, int, int], None]]:
        """On a terminal only."""
        quiet = None if sys.stderr.isatty() else True
        bar: tqdm[Any] = tqdm(disable=quiet, unit=f" {self.rows}", file=sys.stderr)

        def progress(stage: str, done: int, total: int) -> None:
            bar.set_description(stage, refresh=False)
            bar.total, bar.n = total, done
            bar.refresh()

        try:
            yield progress
        finally:
            bar.close()


def _delimiter(text: str | None) -> str | None:
    if text is None:
        return None
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(text) != 1:
        raise CommandError('--delimiter wants one sign, such as ";" or tab.', returncode=2)
    return text
