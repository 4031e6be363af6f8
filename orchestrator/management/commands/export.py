"""The shop's data as a file."""

import os
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, NoReturn, cast

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from orchestrator.exporting.datasets import DATASETS
from orchestrator.exporting.files import whole_file
from orchestrator.exporting.filters import ABOUT, names_of
from orchestrator.exporting.services import FORMATS, Export, Written, export_ask, export_write, recorded
from shop_assistant.accounts.models import User
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents.errors import AgentError, ValidationFailed
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.writing import DELIMITERS
from shop_assistant.vault.sealing import WrongKey

INTERRUPTED = 130


class Command(ShopCommand):
    help = (
        "Write the shop's data to a file, as CSV, JSON lines or XLSX. Numbers are plain (12.5), times ISO 8601 in UTC, "
        "text is UTF-8; what a spreadsheet would take for a formula begins with an apostrophe in CSV. Names, e-mail, "
        "phone, addresses, tickets' words and tasks' inputs and outputs are left out unless asked for. Every export is "
        "told in the trail."
    )
    examples = """\
  manage.py export inventory --output stock.xlsx
  manage.py export inventory --columns                  what its columns mean, and which filters it takes
  manage.py export sales --from 2024-01-01 --to 2024-01-31 --output january.csv --bom --delimiter ";"
  manage.py export audit --format jsonl | gzip > trail.jsonl.gz
  manage.py export customers --with-personal-data --user owner --output customers.csv

exit codes: 0 written, 1 refused or failed (no file is left half done), 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", choices=tuple(DATASETS), help=", ".join(DATASETS), metavar="dataset")
        parser.add_argument("--columns", action="store_true", help="only say what its columns and filters are")
        parser.add_argument("--format", choices=tuple(FORMATS), help="left out: by the file's ending, else csv")
        parser.add_argument("--output", default="-", metavar="FILE", help="- (as when left out): standard output")
        parser.add_argument(
            "--delimiter", type=_delimiter, default=",", metavar="';'", help="between cells of CSV: , ; | or tab"
        )
        parser.add_argument(
            "--bom", action="store_true", help="begin CSV with a byte order mark: Excel takes it for UTF-8 only so"
        )
        parser.add_argument(
            "--with-personal-data", action="store_true", help="for --user, who needs the permission export.personal"
        )
        parser.add_argument("--user", metavar="USERNAME", help="who wants it; left out: this machine's `system`")
        for name, about in ABOUT.items():
            flag = f"--{name.replace('_', '-')}"
            if name == "low_stock":
                parser.add_argument(flag, action="store_const", const="true", dest=f"only_{name}", help=about)
            else:
                parser.add_argument(flag, metavar=name.upper(), dest=f"only_{name}", help=about)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["columns"]:
            self._describe(options["dataset"])
            return
        path = None if options["output"] == "-" else Path(options["output"])
        try:
            user = self._user(options)
            export = _asked(options, user, path)
            with _stoppable(), recorded(export, user=user, channel="command") as written:
                self._write(export, path, written)
        except AgentError as error:
            raise CommandError(_told(error), returncode=2 if isinstance(error, ValidationFailed) else 1) from None
        except BrokenPipeError:
            _silence()
        except (OSError, WrongKey) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database failed ({type(error).__name__}); nothing was kept. Try again.") from None
        except KeyboardInterrupt:
            self.stderr.write("Stopped; nothing was kept.")
            sys.exit(INTERRUPTED)

    def _write(self, export: Export, path: Path | None, written: Written) -> None:
        with tqdm(unit=" rows", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:
            if path is None:
                if export.format == "xlsx" and sys.stdout.isatty():
                    raise OSError("A workbook is nothing for a terminal: name a file (--output).")
                export_write(export, cast(BinaryIO, _Pipe()), written, progress=bar.update)
            else:
                with whole_file(path, private=export.personal) as target:
                    export_write(export, target, written, progress=bar.update)
        told = f"{export.dataset.name}: {written.rows:,} rows"
        if written.cut:
            self.stderr.write(f"{written.cut:,} texts are too long for a cell and were cut; csv and jsonl hold them.")
        if path is None:
            self.stderr.write(told)
        else:
            self.stdout.write(f"{told} to {path}")

    def _user(self, options: dict[str, Any]) -> User:
        if options["user"] is None:
            if options["with_personal_data"]:
                raise CommandError("Personal data is for somebody: name who wants it (--user USERNAME).", returncode=2)
            return system_user()
        found = User.objects.filter(username=options["user"]).first()
        if found is None:
            raise CommandError(f"There is no user {options['user']}.")
        return found

    def _describe(self, name: str) -> None:
        dataset = DATASETS[name]
        self.stdout.write(f"{dataset.about}\n\nColumns")
        for column in dataset.columns:
            notes = [column.about, "personal" if column.personal else ""]
            self.stdout.write(f"  {column.name:<18} {column.kind.value:<14} {'; '.join(filter(None, notes))}".rstrip())
        self.stdout.write("\nFilters")
        for name in names_of(dataset):
            self.stdout.write(f"  --{name.replace('_', '-'):<16} {ABOUT[name]}")


class _Pipe:
    """Standard output as a stream that only goes forward, whatever it is, and that writes all it is given."""

    def __init__(self) -> None:
        self._file = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115  (it is not ours to close)

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _delimiter(text: str) -> str:
    """:raises ArgumentTypeError:"""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if delimiter not in DELIMITERS:
        raise ArgumentTypeError("take one of , ; | or tab")
    return delimiter


def _asked(options: dict[str, Any], user: User, path: Path | None) -> Export:
    ending = path.suffix.lower().removeprefix(".") if path else ""
    format = options["format"] or (ending if ending in FORMATS else "csv")
    if format != "csv" and (options["bom"] or options["delimiter"] != ","):
        raise ValidationFailed("--bom and --delimiter are for CSV.")
    return export_ask(
        dataset=options["dataset"],
        user=user,
        format=format,
        given={name: options[f"only_{name}"] for name in ABOUT if options[f"only_{name}"] is not None},
        personal=options["with_personal_data"],
        delimiter=options["delimiter"],
        bom=options["bom"],
    )


def _told(error: AgentError) -> str:
    near = error.details.get("available_skus") or error.details.get("available")
    return f"{error.message} There is {', '.join(near[:5])}." if near else error.message


@contextmanager
def _stoppable() -> Iterator[None]:
    """Asked to end, by whatever signal, it clears up as after Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    heeded = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence() -> None:
    """Whoever read our output has had enough (`| head -1`); Python would complain of it once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
