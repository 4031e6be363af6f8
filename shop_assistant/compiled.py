"""Queries compiled once: the ORM's own SQL and rows, without building the SQL anew for every request.

Compiling a query costs the ORM several times what PostgreSQL needs to run it. The few queries that (nearly) every
request makes are therefore defined once, with named places for their values. What they find is what the query set
would find: it is the query set's own compiler that made the SQL and that reads the rows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]  # not in the stubs
from django.db.models.signals import post_init, pre_init
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=models.Model)
_numbers = count(1)


class Compiled(Generic[M]):
    """`Compiled(lambda sku: Product.objects.filter(sku=sku), sku=str)`, and then `.first(sku="SKU001")`.

    Every value is of the type given (str, int or UUID) and never None: another shape is another query.
    """

    def __init__(self, build: Callable[..., models.QuerySet[M, Any]], **places: type) -> None:
        self._build = build
        self._marks = {name: _mark(kind) for name, kind in places.items()}
        self._using = "default"

    def all(self, **values: Any) -> list[M]:
        """The rows as the model's instances, with what select_related brings along."""
        made, rows = self._run(values)
        return made.instances(rows)

    def first(self, **values: Any) -> M | None:
        """The first row, in the query's own order."""
        found = self.all(**values)
        return found[0] if found else None

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """The rows of a query with values_list()."""
        return list(self._run(values)[1])

    def _run(self, values: dict[str, Any]) -> tuple["_Made", Iterable[Sequence[Any]]]:
        connection: Any = connections[self._using]
        made = vars(connection).setdefault("compiled", {}).get(self) or self._compile(connection)
        if made.locks and connection.get_autocommit():
            raise TransactionManagementError("rows are locked within a transaction only")
        with connection.cursor() as cursor:
            cursor.execute(made.sql, [place.value(values) for place in made.places])
            rows = cursor.fetchall()
        return made, made.converted(rows)

    def _compile(self, connection: Any) -> "_Made":
        queryset = self._build(**self._marks)
        compiler: Any = queryset.query.get_compiler(using=connection.alias)
        sql, params = compiler.as_sql()
        names = {mark: name for name, mark in self._marks.items()}
        names |= {mark.hex: name for name, mark in self._marks.items() if isinstance(mark, UUID)}
        places = [_place(param, names) for param in params]
        if missing := self._marks.keys() - {place.name for place in places}:
            raise ValueError(f"{sorted(missing)} occur nowhere in {sql}")
        made = _Made(sql, places, compiler, queryset.query.select_for_update)
        connection.compiled[self] = made
        return made


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    """Empty: always the same value."""
    fixed: Any
    as_hex: bool = False
    """How a database without UUIDs has them."""

    def value(self, values: dict[str, Any]) -> Any:
        if not self.name:
            return self.fixed
        given = values[self.name]
        return given.hex if self.as_hex else given


class _Made:
    """The SQL for one connection, and how its rows are read."""

    def __init__(self, sql: str, places: list[_Place], compiler: Any, locks: bool) -> None:
        self.sql, self.places, self.locks = sql, places, locks
        self._compiler = compiler
        self._converters = compiler.get_converters([column for column, _, _ in compiler.select])
        info = compiler.klass_info
        if info is None:
            return
        fields = info["select_fields"]
        self._rows = _Rows(info["model"])
        self._own = slice(fields[0], fields[-1] + 1)
        self._names = [column[0].target.attname for column in compiler.select[self._own]]
        self._related = get_related_populators(info, compiler.select, compiler.using)
        _read_alike(self._related)
        self._annotations = compiler.annotation_col_map or {}

    def converted(self, rows: Iterable[Any]) -> Iterable[Any]:
        return self._compiler.apply_converters(rows, self._converters) if self._converters else rows

    def instances(self, rows: Iterable[Any]) -> list[Any]:
        return [self._instance(row) for row in rows]

    def _instance(self, row: Any) -> Any:
        made = self._rows.from_db(self._compiler.using, self._names, row[self._own])
        for related in self._related:
            related.populate(row, made)
        for name, column in self._annotations.items():
            setattr(made, name, row[column])
        return made


class _Rows:
    """A model's from_db(), without its __init__(), which costs more than the query: it looks at every field anew."""

    def __init__(self, model: Any) -> None:
        plain = models.Model
        self._model = model
        self._as_django = (
            model.__init__ is not plain.__init__
            or model.from_db.__func__ is not vars(plain)["from_db"].__func__
            or pre_init.has_listeners(model)
            or post_init.has_listeners(model)
        )

    def from_db(self, db: str, names: Sequence[str], values: Sequence[Any]) -> Any:
        if self._as_django or len(values) != len(self._model._meta.concrete_fields):
            return self._model.from_db(db, names, values)
        made = self._model.__new__(self._model)
        state = ModelState()
        state.adding, state.db = False, db
        vars(made).update(zip(names, values, strict=True), _state=state)
        return made


def _read_alike(populators: Iterable[Any]) -> None:
    """Of a populator's model only from_db() is asked."""
    for populator in populators:
        populator.model_cls = _Rows(populator.model_cls)
        _read_alike(populator.related_populators)


def _mark(kind: type) -> Any:
    """A value that nothing else has: by it the place in the parameters is found."""
    number = 7_770_000_000_000_000_000 + next(_numbers)
    made: dict[type, Any] = {str: f"\N{SYMBOL FOR SUBSTITUTE}{number}", int: number, UUID: UUID(int=number)}
    return made[kind]


def _place(param: Any, names: dict[Any, str]) -> _Place:
    try:
        name = names.get(param, "")
    except TypeError:  # not hashable, so none of ours
        name = ""
    return _Place(name, param, isinstance(param, str) and len(param) == 32 and bool(name))
