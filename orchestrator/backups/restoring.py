"""Restoring a backup: beside the shop, verified there, and only then in its place."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import psycopg
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from redis.exceptions import RedisError

from audit import events
from audit.models import AuditRecord, Outbox
from audit.services import event_record
from audit.verification import verify_all
from orchestrator.completeness import verify_completeness
from orchestrator.models import TaskState, Worker
from orchestrator.running import InUse, alone
from shop_assistant.accounts.models import SYSTEM_USER_ID, LoginSession, RateCount, User
from shop_assistant.vault.erasing import erase_again
from shop_assistant.vault.journal import journal_read
from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.services import keys_destroy, subjects_of

from .anchoring import Again, anchor_follows, anchored_size, beginning_again
from .archive import Reader, opened
from .errors import BackupError
from .manifest import Manifest
from .places import Place, beside, let_go, place_of, room_for, switch
from .postgres import Progress

SHOWN = 20


@dataclass(slots=True)
class Replaced:
    """What is in the place now."""

    empty: bool = True
    readable: bool = True
    log_size: int = 0
    log_chain: str = ""
    erased: list[str] = field(default_factory=list)
    """Subjects whose keys were destroyed: they stay so, also where the backup is older than that."""


@dataclass(slots=True)
class Plan:
    manifest: Manifest
    places: list[Place]
    replaced: Replaced
    missing: list[str]
    """Migrations that the backup's databases will be brought forward by."""
    anchored: int
    """Records that the anchor holds."""
    journal: set[str]
    """Fingerprints of the keys that the journal of erasures tells of."""


def backup_restore(
    path: Path, *, replace: bool, agree: Callable[[Plan], bool], dry_run: bool, progress: Progress
) -> Plan | None:
    """Put the shop of a backup in the place of this one; None when it was not agreed to, or for a dry run.

    :param agree: asked before anything is written.
    :raises BackupError: and then the shop is as it was.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(alone())
        except InUse:
            raise BackupError("A web server or worker of this shop is running: stop it first.") from None
        try:
            reader = stack.enter_context(opened(path))
            plan = _plan(reader, replace)
            reader.check(progress)
            if not agree(plan) or dry_run:
                return None
            try:
                _restore(plan, reader, progress)
            except OSError as error:
                raise BackupError(f"It can't be written beside the shop: {error.strerror or error}.") from None
        except (psycopg.Error, sqlite3.Error, DatabaseError) as error:
            raise BackupError(f"The database refused: {str(error).strip().splitlines()[0]}") from None
        return plan


def _plan(reader: Reader, replace: bool) -> Plan:
    manifest = reader.manifest
    _check_databases(manifest)
    if manifest.currency != settings.SHOP_CURRENCY:
        raise BackupError(f"The backup's amounts are in {manifest.currency}: set SHOP_CURRENCY={manifest.currency}.")
    missing = _missing_migrations(manifest)
    places = [place_of(member.alias) for member in manifest.members]
    for place in places:
        let_go(place.alias)
        if users := place.users():
            raise BackupError(f"The database is in use ({', '.join(users[:5])}): stop every part of the shop first.")
    replaced = _look_at_present(places)
    if not replaced.empty and not replace:
        raise BackupError("There is a shop in this place already: --replace puts the backup's in its stead.")
    for place, member in zip(places, manifest.members, strict=True):
        room_for(place, member.bytes)
    return Plan(manifest, places, replaced, missing, anchored_size(), _journal())


def _journal() -> set[str]:
    try:
        return journal_read()
    except OSError as error:
        raise BackupError(
            f"The journal of erasures can't be read ({error.strerror}: {settings.ERASURE_JOURNAL}): without it who was "
            "erased would come back."
        ) from None


def _check_databases(manifest: Manifest) -> None:
    variables = {"default": "DATABASE_URL", "audit": "AUDIT_DB_URL"}
    backed_up = {member.alias: member.vendor for member in manifest.members}
    here = {alias: connections[alias].vendor for alias in settings.DATABASES}
    if backed_up == here:
        return
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    wanted = [f"{variables[alias]} must name a {names[vendor]} database" for alias, vendor in backed_up.items()]
    wanted += [f"{variables[alias]} must be empty" for alias in here if alias not in backed_up]
    raise BackupError(f"The backup is of other databases than those set here: {', '.join(wanted)}.")


def _missing_migrations(manifest: Manifest) -> list[str]:
    known = set(MigrationLoader(None).disk_migrations)
    applied = {(app, name) for app, names in manifest.migrations.items() for name in names}
    if newer := sorted(applied - known):
        raise BackupError(
            f"The backup is of a newer version ({manifest.version}, with {'.'.join(newer[0])}): update the shop first."
        )
    return [".".join(migration) for migration in sorted(known - applied)]


def _look_at_present(places: list[Place]) -> Replaced:
    found = Replaced()
    if not any(place.exists() for place in places):
        return found
    try:
        if "audit_outbox" not in connections["default"].introspection.table_names():
            return found
        found.empty = not any(model.objects.exists() for model in (Outbox, TaskState, User))
        found.erased = list(SubjectKey.objects.exclude(destroyed_at=None).values_list("subject", flat=True))
        head = AuditRecord.objects.order_by("-seq").values_list("seq", "chain").first()
        if head:
            found.log_size, found.log_chain = head[0], bytes(head[1]).hex()
    except (DatabaseError, psycopg.Error):  # a broken shop is one to be replaced
        found.empty = found.readable = False
    finally:
        for place in places:
            let_go(place.alias)
    return found


def _restore(plan: Plan, reader: Reader, progress: Progress) -> None:
    try:
        for place, member in zip(plan.places, plan.manifest.members, strict=True):
            with reader.member(member) as source:
                place.load(source, progress)
        with beside(plan.places):
            _compare(plan.manifest)
            for alias in settings.DATABASES:
                call_command("migrate", database=alias, interactive=False, verbosity=0)
            again = beginning_again()
            _settle(plan, again)
            _verify()
        with anchor_follows(again):
            switch(plan.places)
    finally:
        for place in plan.places:
            place.drop_side()
    if settings.CACHE_URL:
        with suppress(RedisError):  # its logins have ended in the database, too
            cache.clear()


def _compare(manifest: Manifest) -> None:
    head = AuditRecord.objects.order_by("-seq").values_list("seq", "chain").first()
    size, last = (head[0], bytes(head[1]).hex()) if head else (0, manifest.log_chain)
    if (size, last) != (manifest.log_size, manifest.log_chain):
        raise BackupError("The restored trail does not end as the backup's manifest says.")


def _settle(plan: Plan, again: Again | None) -> None:
    """What must not come back to life with an old state: logins that were ended since, and people who were erased."""
    now = timezone.now()
    LoginSession.objects.filter(revoked_at=None).update(revoked_at=now, revoked_because="restored from a backup")
    Session.objects.all().delete()
    RateCount.objects.all().delete()
    Worker.objects.all().delete()
    living = SubjectKey.objects.filter(destroyed_at=None)
    before = living.count()
    subjects = sorted({*plan.replaced.erased, *subjects_of(plan.journal)})
    erase_again(subjects)
    keys_destroy(subjects)
    event_record(
        events.BACKUP_RESTORED,
        user_id=SYSTEM_USER_ID,
        taken_at=plan.manifest.created_at,
        log_size=plan.manifest.log_size,
        log_chain=plan.manifest.log_chain,
        replaced_log_size=plan.replaced.log_size,
        replaced_log_chain=plan.replaced.log_chain,
        anchored_before=again and {"size": again.held.size, "root": again.held.root.hex()},
        anchored_from=again and {"size": again.now.size, "root": again.now.root.hex()},
        erased_again=before - living.count(),
    )


def _verify() -> None:
    """:raises BackupError: with what is wrong."""
    problems = [
        f"{problem.kind}{f' {problem.seq}' if problem.seq else ''}: {problem.message}"
        for problem in chain(verify_all(anchored=False), verify_completeness())
    ]
    if problems:
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        told = "\n  ".join(problems[:SHOWN])
        raise BackupError(f"The backup's trail is not whole; nothing was replaced:\n  {told}{more}")
