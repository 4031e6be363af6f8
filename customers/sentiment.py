"""The mood of a text: VADER, a lexicon with rules for English (Hutto & Gilbert 2014, ICWSM). No network, no model."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

LIMIT = 0.05
"""The lexicon's authors count a compound score from here on as positive, from -0.05 down as negative."""
SCORED = 1000
"""So many characters are scored: on a run of emojis its cost grows with the square of the length (0.3 s here)."""
PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Mood:
    score: Decimal
    """-1 (worst) to 1 (best)."""
    label: str
    """negative, neutral or positive."""
    method: str


def mood_of(text: str) -> Mood:
    """How the beginning of a text sounds. Words that are not in the English lexicon count as neutral."""
    compound = _analyzer().polarity_scores(text[:SCORED])["compound"]
    label = "positive" if compound >= LIMIT else "negative" if compound <= -LIMIT else "neutral"
    return Mood(Decimal(str(compound)).quantize(PLACES), label, f"vader {version('vaderSentiment')}")


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # reads its lexicon: only where one is needed

    return SentimentIntensityAnalyzer()
