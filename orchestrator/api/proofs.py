"""Reading what proves the trail: a record's place in the log, signed checkpoints, and that one log begins another."""

import re
from typing import Any, Literal, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit import events, tiles
from audit.models import Anchoring, Checkpoint
from audit.selectors import bring_up_to_date
from audit.services import event_record
from shop_assistant.accounts.limits import address_token
from shop_assistant.agents import Context, registry
from shop_assistant.agents.errors import ClarificationNeeded, NotFound, ValidationFailed
from shop_assistant.agents.fields import UtcTime
from shop_assistant.agents.operation import field_errors

from . import describing
from .requests import parse_query
from .views import ShopView

LARGEST = 10**18
SEQ = OpenApiParameter("seq", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH, description="which record")
Q = TypeVar("Q", bound=BaseModel)


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ProofQuery(Query):
    size: int | None = Field(
        None, ge=1, lt=LARGEST, description="records in the log; left out: those of the newest checkpoint, or all"
    )


class CheckpointsQuery(Query):
    limit: int = Field(50, ge=1, le=500, description="checkpoints a page")
    cursor: int | None = Field(None, ge=1, lt=LARGEST, description="next_cursor of the page before")


class ConsistencyQuery(Query):
    first: int = Field(ge=1, lt=LARGEST, description="records in the smaller log")
    second: int = Field(ge=1, lt=LARGEST, description="records in the larger log")


class Proof(BaseModel):
    """Hashes in hex. `index` counts from 0; how they lead to the root is RFC 9162, section 2.1.3.2."""

    seq: int
    index: int
    size: int = Field(description="records in the log that the root is of")
    leaf: str = Field(description="SHA-256(0x00 || payload)")
    root: str
    hashes: list[str] = Field(description="from the leaf's sibling up")
    note: str | None = Field(description="the signed checkpoint of this size and root, where there is one")


class AnchorOf(BaseModel):
    kind: str = Field(description="file, mailbox, witness or timestamp")
    anchored_at: UtcTime


class CheckpointItem(BaseModel):
    size: int
    root: str
    note: str = Field(description="C2SP signed note")
    created_at: UtcTime
    anchors: list[AnchorOf]


class CheckpointPage(BaseModel):
    items: list[CheckpointItem] = Field(description="newest first")
    next_cursor: str | None


class ConsistencyProof(BaseModel):
    """Hashes in hex. How they lead to both roots is RFC 9162, section 2.1.4.2."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


class ProofAnswer(BaseModel):
    status: Literal["success"]
    data: Proof


class CheckpointsAnswer(BaseModel):
    status: Literal["success"]
    data: CheckpointPage


class ConsistencyAnswer(BaseModel):
    status: Literal["success"]
    data: ConsistencyProof


def _described(summary: str, answer: type[BaseModel], query: type[Query], *parameters: OpenApiParameter) -> Any:
    schema = query.model_json_schema()
    errors = {status: OpenApiResponse(describing.ErrorAnswer) for status in sorted({*describing.READ_ERRORS, 422})}
    asked = [
        OpenApiParameter(
            name, _plain(field), required=name in schema.get("required", ()), description=field["description"]
        )
        for name, field in schema["properties"].items()
    ]
    return extend_schema(summary=summary, parameters=[*parameters, *asked], responses={200: answer, **errors})


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    return {
        {"exclusiveMaximum": "maximum"}.get(name, name): value - 1 if name == "exclusiveMaximum" else value
        for name, value in kinds[0].items()
        if name in ("type", "minimum", "maximum", "exclusiveMaximum")
    }


class TrailView(ShopView):
    """For those who may read the trail; every reading is recorded."""

    def ask(self, request: Request, model: type[Q]) -> Q:
        """:raises PermissionDenied: or ValidationFailed."""
        user: Any = request.user
        context = Context(user=user, channel="rest", address=address_token(request))
        registry.get("audit", "query").authorize(context)
        asked = parse_query(request)
        numbers = {n: int(v) if isinstance(v, str) and re.fullmatch("[0-9]{1,18}", v) else v for n, v in asked.items()}
        try:
            return model.model_validate(numbers)
        except ValidationError as error:
            raise ValidationFailed(fields=field_errors(error)) from None

    def told(self, request: Request, data: BaseModel, **filters: Any) -> Response:
        user: Any = request.user
        event_record(events.RECORDS_VIEWED, user_id=user.public_id, filters=filters)
        return Response({"status": "success", "data": data.model_dump(mode="json")})


class ProofView(TrailView):
    @_described("Proof that a record is in the log", ProofAnswer, ProofQuery, SEQ)
    def get(self, request: Request, seq: int) -> Response:
        """Prove that a record is in the log: its place, the root over all records, and the hashes between them."""
        asked = self.ask(request, ProofQuery)
        bring_up_to_date()
        log = tiles.log_size()
        if not 1 <= seq <= log:
            raise NotFound("There is no such record.", seq=seq, records=log)
        newest = Checkpoint.objects.filter(size__lte=log).order_by("-size").values_list("size", flat=True).first() or 0
        size = asked.size or (newest if newest >= seq else log)
        if not seq <= size <= log:
            raise NotFound(f"There is no log of {size} records with record {seq} in it.", size=size, records=log)
        found = tiles.inclusion(seq, size)
        note = Checkpoint.objects.filter(size=size, root=found.root).values_list("note", flat=True).first()
        proof = Proof(
            seq=seq,
            index=found.index,
            size=size,
            leaf=found.leaf.hex(),
            root=found.root.hex(),
            hashes=[node.hex() for node in found.path],
            note=note,
        )
        return self.told(request, proof, proof_of=seq, size=size)


class CheckpointsView(TrailView):
    @_described("Signed checkpoints of the trail", CheckpointsAnswer, CheckpointsQuery)
    def get(self, request: Request) -> Response:
        """Read the signed checkpoints, newest first, each with the anchors that have it."""
        asked = self.ask(request, CheckpointsQuery)
        checkpoints = Checkpoint.objects.order_by("-size")
        if asked.cursor is not None:
            checkpoints = checkpoints.filter(size__lt=asked.cursor)
        found = list(checkpoints[: asked.limit + 1])
        page = found[: asked.limit]
        held: dict[int, list[AnchorOf]] = {checkpoint.size: [] for checkpoint in page}
        for size, kind, moment in (
            Anchoring.objects.filter(size__in=held).order_by("id").values_list("size", "kind", "anchored_at")
        ):
            held[size].append(AnchorOf(kind=kind, anchored_at=moment))
        items = [
            CheckpointItem(
                size=checkpoint.size,
                root=bytes(checkpoint.root).hex(),
                note=checkpoint.note,
                created_at=checkpoint.created_at,
                anchors=held[checkpoint.size],
            )
            for checkpoint in page
        ]
        following = str(page[-1].size) if len(found) > asked.limit else None
        told = CheckpointPage(items=items, next_cursor=following)
        return self.told(request, told, checkpoints=asked.model_dump(mode="json"))


class ConsistencyView(TrailView):
    @_described("Proof that the log only grew", ConsistencyAnswer, ConsistencyQuery)
    def get(self, request: Request) -> Response:
        """Prove that the log of so many records begins the larger one: nothing in it was changed since."""
        asked = self.ask(request, ConsistencyQuery)
        bring_up_to_date()
        log = tiles.log_size()
        if asked.first > asked.second:
            raise ClarificationNeeded("A log only grows: which of the two sizes is the first?", missing="first")
        if asked.second > log:
            raise NotFound("The log is not that long yet.", second=asked.second, records=log)
        found = tiles.consistency(asked.first, asked.second)
        proof = ConsistencyProof(
            first=found.first,
            second=found.second,
            first_root=found.first_root.hex(),
            second_root=found.second_root.hex(),
            hashes=[node.hex() for node in found.path],
        )
        return self.told(request, proof, consistency=[found.first, found.second])
