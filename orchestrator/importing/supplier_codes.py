"""Codes for suppliers of which only the name is known. Pure."""

from collections.abc import Collection

from django.utils.text import slugify


def supplier_code(name: str, taken: Collection[str]) -> str:
    """Such as ACME-WIDGETS; with a number behind it where another has it.

    :param taken: codes in lower case.
    """
    stem = slugify(name)[:26].strip("-").upper() or "SUPPLIER"
    code, number = stem, 1
    while code.lower() in taken:
        number += 1
        code = f"{stem}-{number}"
    return code
