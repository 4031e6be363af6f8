"""What may be stored of a customer's id as somebody typed it: an e-mail, a phone number or a name is none."""

import re
from typing import Any

from pydantic import WrapSerializer
from pydantic.functional_serializers import SerializerFunctionWrapHandler
from pydantic_core.core_schema import SerializationInfo

from shop_assistant.vault.services import is_subject

OURS = re.compile(r"CUST(-[A-Z0-9]{1,40}|[0-9]{1,40})", re.IGNORECASE | re.ASCII)


def surely_an_id(text: str) -> bool:
    """Whether this is made like the ids that the shop gives, whoever it belongs to."""
    return OURS.fullmatch(text.strip()) is not None


# Without a return type, so that the JSON schema keeps the type of what is marked.
def _sealed_unless_an_id(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo):  # type: ignore[no-untyped-def]
    """An id of the shop's own making costs a comparison; another's, brought along from elsewhere, a query."""
    plain, seal = handler(value), (info.context or {}).get("seal")
    if not seal or plain is None or surely_an_id(plain) or is_subject(plain) or is_subject(plain.upper()):
        return plain
    return seal(plain)


SEALED_UNLESS_AN_ID = WrapSerializer(_sealed_unless_an_id)
"""`Annotated[str, SEALED_UNLESS_AN_ID]`: stored as it was typed only where it is somebody's id."""
