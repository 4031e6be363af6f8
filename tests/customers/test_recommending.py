"""The arithmetic of recommending: pure, so it is tried on anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.recommending import MIN_TOGETHER, Pair, suggest


def test_what_goes_together_by_more_than_chance():
    """100 of 1000 orders have tea, 80 of them milk (as 100 in all have), 30 bread (as 300 in all: by chance)."""
    (milk,) = suggest(
        [Pair("tea", "milk", 80), Pair("tea", "bread", 30), Pair("tea", "salt", 2)],
        orders_with={"tea": 100, "milk": 100, "bread": 300, "salt": 2},
        orders=1000,
    )
    assert milk.item == "milk"
    (evidence,) = milk.evidence
    assert evidence.lift == pytest.approx(8)  # 80 instead of 100 x 100 / 1000
    assert milk.score == pytest.approx(70 / 110)


def test_much_evidence_beats_little():
    found = suggest(
        [Pair("a", "often", 80), Pair("b", "thrice", 3)],
        orders_with={"a": 100, "b": 3, "often": 80, "thrice": 3},
        orders=10_000,
    )
    assert [s.item for s in found] == ["often", "thrice"]


def test_several_reasons_add_up():
    counts = {"a": 50, "b": 50, "x": 40, "y": 20}
    both = [Pair("a", "x", 20), Pair("b", "x", 20)]
    (alone,) = suggest(both[:1], orders_with=counts, orders=1000)
    (together,) = suggest(both, orders_with=counts, orders=1000)
    assert alone.score < together.score < 1
    assert {e.seed for e in together.evidence} == {"a", "b"}


def test_what_is_excluded_is_not_suggested():
    pairs = [Pair("a", "b", 5), Pair("b", "a", 5), Pair("a", "a", 5)]
    assert suggest(pairs, orders_with={"a": 5, "b": 5}, orders=50, excluded=frozenset({"a", "b"})) == []


@st.composite
def baskets(draw):
    return draw(st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=60))


@given(baskets(), st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3))
def test_whatever_was_sold(sold, seeds):
    with_item = {item: sum(item in basket for basket in sold) for item in "abcdef"}
    pairs = [
        Pair(seed, item, count)
        for seed in sorted(seeds)
        for item in "abcdef"
        if (count := sum({seed, item} <= basket for basket in sold))
    ]
    found = suggest(pairs, orders_with=with_item, orders=len(sold), excluded=seeds)
    assert found == suggest(reversed(pairs), orders_with=with_item, orders=len(sold), excluded=seeds)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    for suggestion in found:
        assert suggestion.item not in seeds
        assert 0 <= suggestion.score < 1
        assert all(e.together >= MIN_TOGETHER and e.lift > 1 for e in suggestion.evidence)
