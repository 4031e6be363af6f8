"""Shares and parts always add up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from inventory.refunds import allocate, part

CENT = Decimal("0.01")
amounts = st.integers(0, 10**8).map(lambda cents: cents * CENT)


@given(
    weights=st.lists(amounts, min_size=1, max_size=8),
    share=st.fractions(0, 1),
    unit=st.sampled_from([CENT, Decimal(1)]),
)
def test_shares_add_up_and_exceed_no_weight(weights, share, unit):
    weights = [weight // unit * unit for weight in weights]
    amount = (sum(weights) * share.numerator / share.denominator) // unit * unit
    shares = allocate(amount, weights, unit)
    assert sum(shares) == amount
    assert all(0 <= given <= weight for given, weight in zip(shares, weights, strict=True))


@given(
    amount=amounts,
    portions=st.lists(st.integers(1, 10**6).map(lambda n: n * Decimal("0.001")), min_size=1, max_size=12),
)
def test_parts_of_a_line_add_up_in_whatever_portions(amount, portions):
    sold, before, refunds = sum(portions), Decimal(0), []
    for now in portions:
        refunds.append(part(amount, sold=sold, before=before, now=now, unit=CENT))
        before += now
    assert sum(refunds) == amount
    assert min(refunds) >= 0
    assert all(refund == refund.quantize(CENT) for refund in refunds)
