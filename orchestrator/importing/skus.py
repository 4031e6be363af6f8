"""A product's SKU where a file gives only its name. Pure."""

import hashlib
import re
import unicodedata

LONGEST = 40


def sku_of_name(name: str) -> str:
    """The same for the same name in any case and spacing: `Bananas, loose` is BANANAS-LOOSE.

    What is lost of a long name, or one in another script, is made up for by a piece of its hash.
    """
    plain = " ".join(name.casefold().split())
    letters = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    slug = re.sub(r"[^a-z0-9]+", "-", letters).strip("-").upper()
    if letters.isascii() and 0 < len(slug) <= LONGEST:
        return slug
    kept = slug[:LONGEST].strip("-")
    return "-".join(filter(None, [kept, hashlib.sha256(plain.encode()).hexdigest()[:8].upper()]))
