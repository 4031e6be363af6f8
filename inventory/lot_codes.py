"""Codes of lots and serial numbers: `l-2024` is what was printed as `L-2024`. Pure."""

import unicodedata


def plain_code(code: str) -> str:
    """Without spaces around it; wide and other compatible forms of letters and digits as the plain ones (NFKC)."""
    return unicodedata.normalize("NFKC", code).strip()


def folded_code(code: str) -> str:
    """The same for all spellings of one code."""
    return plain_code(code).lower()
