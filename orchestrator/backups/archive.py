"""The file: a zip with a member for each database and a manifest as its last."""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import IO, Any

from .errors import BackupError
from .manifest import Manifest, Member, read_manifest
from .postgres import CHUNK, Progress
from .snapshots import Snapshot

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 20


class Writer:
    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self._zip = zipfile.ZipFile(file, "w", compresslevel=1)
        self._folder = folder

    def add(self, snapshot: Snapshot, progress: Progress) -> Member:
        packed = snapshot.vendor == "postgresql"  # pg_dump has compressed it already
        self._zip.compression = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self._zip.open(snapshot.member, "w", force_zip64=True) as member:

            def sink(block: bytes) -> None:
                nonlocal size
                member.write(block)
                digest.update(block)
                size += len(block)

            snapshot.write(sink, progress, self._folder)
        return Member(
            alias=snapshot.alias,
            name=snapshot.member,
            vendor=snapshot.vendor,  # type: ignore[arg-type]
            server=snapshot.server,
            bytes=size,
            sha256=digest.hexdigest(),
        )

    def abandon(self) -> None:
        self._zip.fp = None  # else it writes its directory when it is forgotten, to a file that is gone

    def close(self, manifest: Manifest) -> None:
        self._zip.writestr(MANIFEST, manifest.model_dump_json(indent=2))
        self._zip.close()


@contextmanager
def new_archive(path: Path) -> Iterator[Writer]:
    """A file that appears under its name when it is whole and on the disk, readable by its owner alone.

    :raises BackupError: when it can't be written.
    """
    if path.exists() or path.is_symlink():
        raise BackupError(f"{path} exists already: name another file, or remove it.")
    if not path.parent.is_dir():
        raise BackupError(f"There is no folder {path.parent}: make it first.")
    draft: Path | None = None
    try:
        descriptor, name = mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            writer = Writer(file, path.parent)
            try:
                yield writer
            except BaseException:
                writer.abandon()
                raise
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    except OSError as error:
        raise BackupError(f"{path} can't be written: {error.strerror or error}. Nothing was kept of it.") from None
    finally:
        if draft:
            draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a renaming it takes nobody's place
    except FileExistsError:
        raise BackupError(f"{path} was made by somebody else meanwhile: name another file.") from None
    except OSError:  # a file system without links
        draft.rename(path)
    with suppress(OSError):  # some file systems have no folders to flush
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def opened(path: Path) -> Iterator["Reader"]:
    """:raises BackupError: when it isn't a backup that can be used here."""
    cut_short = BackupError(f"{path} is no backup, or it was cut short on its way: copy it again.")
    if path.is_fifo():
        raise BackupError(f"{path} is a pipe, and a backup is read more than once: save it as a file first.")
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupError(f"There is no file {path}.") from None
    except zipfile.BadZipFile:
        raise cut_short from None
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror or error}.") from None
    with archive:
        try:
            yield Reader(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise cut_short from None


class Reader:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        if not 0 < sizes.get(MANIFEST, 0) <= LARGEST_MANIFEST:
            raise BackupError("This is no backup of a shop: it is a zip without its manifest.")
        self.manifest = read_manifest(archive.read(MANIFEST))
        told = {member.name: member.bytes for member in self.manifest.members}
        if sizes != told | {MANIFEST: sizes[MANIFEST]}:
            raise BackupError("The backup does not hold what its manifest says.")

    def check(self, progress: Progress) -> None:
        """:raises BackupError: when a member is not what was backed up."""
        for member in self.manifest.members:
            digest = hashlib.sha256()
            self._read(member, lambda block, digest=digest: (digest.update(block), progress(len(block))))  # type: ignore[misc]
            if digest.hexdigest() != member.sha256:
                raise BackupError(f"{member.name} in the backup is damaged: its checksum is wrong.")

    def _read(self, member: Member, sink: Callable[[bytes], Any]) -> None:
        with self._zip.open(member.name) as file:
            while block := file.read(CHUNK):
                sink(block)

    def member(self, member: Member) -> IO[bytes]:
        return self._zip.open(member.name)
