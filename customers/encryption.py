"""Columns that hold ciphertext only, on top of the vault: how a row names, fills and opens them."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q

from shop_assistant.agents.errors import Conflict
from shop_assistant.vault import services as vault
from shop_assistant.vault.models import SubjectKey


class Sealed(models.Model):
    """A row with personal columns: field `x` lies in column `sealed_x`, '' where nothing was given."""

    sealed_fields: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    @property
    def key_subject(self) -> str:
        """Whose key seals this row."""
        raise NotImplementedError

    @property
    def sealed_row(self) -> str:
        """What names this row in the place of its texts; known before the row is stored, and never changed."""
        raise NotImplementedError

    def place(self, field: str) -> str:
        """Authenticated with the text, so that it opens in no other model, row or field."""
        return f"{self._meta.label}|{self.sealed_row}|{field}"

    def seal(self, values: Mapping[str, str], *, key: SubjectKey | None = None) -> None:
        """Fill personal columns, not yet saved.

        :param values: text by field.
        :param key: the subject's key, where the caller has it already.
        :raises Conflict: when the subject was erased.
        """
        for field, value in values.items():
            if value:
                key = key or self._key()
                value = vault.sealer(key, self.place(field))(value)
            setattr(self, f"sealed_{field}", value)
        self.__dict__.pop("opened", None)

    def plain(self, field: str) -> str | None:
        """A personal field as text; None where nothing was given or the subject was erased."""
        if "opened" not in self.__dict__:
            open_rows([self])
        text: str | None = self.__dict__["opened"][field]
        return text

    @property
    def unreadable(self) -> bool:
        """Whether there is text that nobody can open any more, its key being destroyed."""
        return any(self.plain(f) is None and getattr(self, f"sealed_{f}") for f in self.sealed_fields)

    def _key(self) -> SubjectKey:
        key = vault.key_for(self.key_subject)
        if key is None:
            raise Conflict("This person's data was erased; nothing personal can be kept under that id any more.")
        return key


def open_rows(rows: Iterable[Sealed]) -> None:
    """Open all personal fields of many rows with one query, so that `plain()` costs nothing more.

    :raises WrongKey: when a text was tampered with or moved here from another place.
    """
    rows = list(rows)
    opener = vault.Opener([getattr(row, f"sealed_{field}") for row in rows for field in row.sealed_fields])
    for row in rows:
        texts = {field: getattr(row, f"sealed_{field}") for field in row.sealed_fields}
        row.__dict__["opened"] = {
            field: opener.text(sealed, row.place(field)) if sealed else None for field, sealed in texts.items()
        }


def open_readable(rows: Iterable[Sealed]) -> None:
    """The same for rows of which some may have been tampered with: those count as unreadable."""
    rows = list(rows)
    try:
        open_rows(rows)
    except vault.WrongKey:
        for row in rows:
            try:
                open_rows([row])
            except vault.WrongKey:
                row.__dict__["opened"] = dict.fromkeys(row.sealed_fields)


def ciphertext_only(name: str, *fields: str) -> models.CheckConstraint:
    """The database's own refusal of plain text in personal columns."""
    condition = Q()
    for field in fields:
        condition &= Q(**{f"sealed_{field}": ""}) | Q(**{f"sealed_{field}__startswith": vault.PREFIX})
    return models.CheckConstraint(condition=condition, name=name)
