"""Global trade item numbers. Pure."""


def spellings(code: str) -> list[str]:
    """The same GTIN with 14, 13, 12 and 8 digits, as far as its leading zeros allow (GS1 General Specifications, 3.3.2:
    all of them are one number, filled with zeros to 14 digits).
    """
    whole = code.zfill(14)
    return [whole[14 - length :] for length in (14, 13, 12, 8) if not whole[: 14 - length].strip("0")]
