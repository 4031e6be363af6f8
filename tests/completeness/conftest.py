"""Looking for gaps, and making them."""

from collections.abc import Callable

import pytest

from audit.completeness import gaps_found
from audit.history import histories_begin


@pytest.fixture
def gaps(db: None) -> Callable[[], list[str]]:
    """`gaps()` is what the checks find, in words. The users and rules that are there have their history begun."""
    histories_begin()
    return lambda: [f"{gap.check}: {gap}" for gap in gaps_found()]
