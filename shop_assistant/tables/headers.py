"""Which column is which field: guessed from its name, or told. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class MappingError(ValueError):
    """The mapping names something that is not there. The message lists what is."""


@dataclass
class Columns:
    """The place of each field's column; fields without one are missing."""

    places: dict[str, int]
    notes: list[str] = field(default_factory=list)
    """What was chosen where more than one column would have done."""


def guess(
    header: Sequence[str], aliases: Mapping[str, Sequence[str]], overrides: Mapping[str, str] | None = None
) -> Columns:
    """Find each field's column.

    :param aliases: by field, its usual names, best first; case, accents, spaces and signs don't matter. Where one name
        is usual for several fields, the first field has it.
    :param overrides: header by field, as told; an empty one leaves the field out.
    :raises MappingError: for an unknown field or header.
    """
    names = [folded(name) for name in header]
    columns = Columns(_told(header, aliases, overrides or {}))
    taken = set(columns.places.values())
    for name, usual in aliases.items():
        if name in columns.places or (overrides and name in overrides):
            continue
        wanted = list(dict.fromkeys(folded(alias) for alias in (name, *usual)))
        found = [at for alias in wanted for at, own in enumerate(names) if own == alias and at not in taken]
        if found:
            columns.places[name] = found[0]
            taken.add(found[0])
        if len(found) > 1:
            others = ", ".join(header[at] for at in found[1:])
            columns.notes.append(
                f"took the column {header[found[0]]} for {name}, not {others} (--map {name}=… for another)"
            )
    return columns


def parsed(pairs: Sequence[str]) -> dict[str, str]:
    """`["sku=Article", …]` as typed.

    :raises MappingError: for one without an equals sign.
    """
    told: dict[str, str] = {}
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign or not name.strip():
            raise MappingError(f"--map wants field=Header, such as sku=Article, not {pair!r}.")
        told[name.strip().lower()] = column.strip()
    return told


def folded(name: str) -> str:
    """A column's name without what people vary: case, accents, spaces, signs."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]+", "", "".join(c for c in plain if not unicodedata.combining(c)))


def _told(header: Sequence[str], aliases: Mapping[str, Sequence[str]], overrides: Mapping[str, str]) -> dict[str, int]:
    places = {}
    for name, column in overrides.items():
        if name not in aliases:
            raise MappingError(f"There is no field {name}; the fields are {', '.join(aliases)}.")
        if not column:
            continue
        exact = [at for at, own in enumerate(header) if own == column]
        alike = exact or [at for at, own in enumerate(header) if folded(own) == folded(column)]
        if not alike:
            shown = ", ".join(own for own in header if own)
            raise MappingError(f"There is no column {column}; the file has {shown[:500]}.")
        places[name] = alike[0]
    return places
