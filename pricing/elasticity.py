"""How demand answers to price, and the price that follows from it. Pure; statistics in float, prices in Decimal.

Demand of constant elasticity e: units = k * price^e. In logarithms that is a line, fitted by ordinary least
squares over weeks, after a linear trend over time was taken out of both sides (the Frisch-Waugh-Lovell theorem),
so that a product that grows while its price creeps up does not look as if people liked high prices.
Where the weeks say too little, the answer is an abstention with its reasons.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from statistics import NormalDist, fmean

MIN_WEEKS = 12
MIN_SHARE_OF_WEEKS = 0.8
MIN_PRICES = 3
MIN_SPREAD = 0.05
MIN_ELASTICITY = -20.0
MAX_DISTANCE = 2.0
MAX_DISCOUNTED = 0.5
RECENT_WEEKS = 12
CONFIDENCE = 0.95


class Objective(StrEnum):
    PROFIT = "profit"
    REVENUE = "revenue"
    UNITS = "units"


@dataclass(frozen=True, slots=True)
class Week:
    """A week in which the product sold."""

    number: int
    """weeks since some first one"""
    price: float
    """of one unit"""
    units: float
    discounted: float = 0.0
    """of those, sold under a price rule"""
    mixed: bool = False
    """more than one list price was in force: what moved the demand can't be told, so the week is left out"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    elasticity: float
    std_error: float
    low: float
    """lower end of the 95 % confidence interval"""
    high: float
    r2: float
    """share of the variation of (detrended) log units that price explains"""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the weeks contain."""

    weeks: int
    mixed_weeks: int
    weeks_spanned: int
    """from the first to the last, those without sales included"""
    prices: int
    """distinct weekly prices, in minor units"""
    lowest: float
    highest: float
    discounted_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Expected a week, at the price of today and at the recommended one."""

    now: float
    then: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """`price` is None where the weeks say too little; `reasons` then say why."""

    reasons: tuple[str, ...]
    history: History | None = None
    fit: Fit | None = None
    price: Decimal | None = None
    low: Decimal | None = None
    """the price if demand is as elastic as the interval allows"""
    high: Decimal | None = None
    units: Effect | None = None
    revenue: Effect | None = None
    """without tax"""
    profit: Effect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The product as it stands."""

    price: Decimal
    cost: Decimal | None
    """of one unit, without tax"""
    tax_factor: Decimal
    """price / price without tax"""
    minor_unit: Decimal

    @property
    def break_even(self) -> Decimal | None:
        return None if self.cost is None else self.cost * self.tax_factor


def advise(weeks: Sequence[Week], terms: Terms, objective: Objective) -> Advice:
    """The list price that serves the objective best within the prices seen, never below cost; or an abstention."""
    sold = [week for week in weeks if week.units > 0 and week.price > 0]
    usable = [week for week in sold if not week.mixed]
    if not usable:
        return Advice(reasons=("There are no complete weeks with sales at one list price.",))
    history = _history(sold, usable, terms.minor_unit)
    if lacking := _lacking(history, terms, objective):
        return Advice(reasons=lacking, history=history)
    fit = estimate(usable)
    if fit is None:
        return Advice(
            reasons=("The price only moved along with time; its effect can't be told apart.",), history=history
        )
    if doubts := _doubts(fit, objective):
        return Advice(reasons=doubts, history=history, fit=fit)
    return _recommend(usable, history, fit, terms, objective)


def estimate(weeks: Sequence[Week]) -> Fit | None:
    """Elasticity by least squares; None where the price has no movement of its own. Needs four weeks or more."""
    time = [float(week.number) for week in weeks]
    x = _residuals([math.log(week.price) for week in weeks], time)
    y = _residuals([math.log(week.units) for week in weeks], time)
    sxx, syy = _dot(x, x), _dot(y, y)
    if sxx < 1e-9:
        return None
    slope = _dot(x, y) / sxx
    left = sum((b - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    freedom = len(weeks) - 3  # intercept, trend, slope
    error = math.sqrt(left / freedom / sxx)
    margin = error * student_t((1 + CONFIDENCE) / 2, freedom)
    r2 = 1 - left / syy if syy > 1e-12 else 0.0
    return Fit(elasticity=slope, std_error=error, low=slope - margin, high=slope + margin, r2=max(r2, 0.0))


def student_t(probability: float, freedom: int) -> float:
    """Quantile of Student's t by its expansion around the normal one (Abramowitz & Stegun 26.7.5).

    Within 0.001 of the exact value at 0.975 from 5 degrees of freedom on.
    """
    x = NormalDist().inv_cdf(probability)
    g1 = (x**3 + x) / 4
    g2 = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    g3 = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    g4 = (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160
    return x + g1 / freedom + g2 / freedom**2 + g3 / freedom**3 + g4 / freedom**4


def optimum(elasticity: float, break_even: Decimal | None, objective: Objective) -> float:
    """The best price under constant elasticity: 0 or infinity where it lies beyond every bound.

    Profit: (p - c) * k * p^e has its maximum at p = c * e / (1 + e) for e < -1 (the markup rule of Lerner, 1934),
    and grows for ever with p otherwise. Revenue: p * k * p^e falls in p for e < -1, and grows otherwise.
    """
    if objective is Objective.UNITS:
        return 0.0
    if elasticity >= -1:
        return math.inf
    if objective is Objective.REVENUE or break_even is None:
        return 0.0
    return float(break_even) * elasticity / (1 + elasticity)


def _history(sold: Sequence[Week], usable: Sequence[Week], minor_unit: Decimal) -> History:
    prices = [week.price for week in usable]
    numbers = [week.number for week in sold]
    return History(
        weeks=len(usable),
        mixed_weeks=len(sold) - len(usable),
        weeks_spanned=max(numbers) - min(numbers) + 1,
        prices=len({round(price / float(minor_unit)) for price in prices}),
        lowest=min(prices),
        highest=max(prices),
        discounted_share=sum(week.discounted for week in usable) / sum(week.units for week in usable),
    )


def _lacking(history: History, terms: Terms, objective: Objective) -> tuple[str, ...]:
    reasons = []
    if history.weeks < MIN_WEEKS:
        reasons.append(f"Only {history.weeks} complete weeks have sales at one list price; {MIN_WEEKS} are needed.")
    sold = history.weeks + history.mixed_weeks
    if sold < MIN_SHARE_OF_WEEKS * history.weeks_spanned:
        reasons.append(
            f"It sold in only {sold} of {history.weeks_spanned} weeks; too many gaps to see what price does."
        )
    if history.prices < MIN_PRICES:
        reasons.append(f"Only {history.prices} different prices were seen; {MIN_PRICES} are needed.")
    elif history.highest < history.lowest * (1 + MIN_SPREAD):
        reasons.append(f"The prices seen differ by less than {MIN_SPREAD:.0%}.")
    if history.discounted_share > MAX_DISCOUNTED:
        reasons.append("Most units were sold under price rules, so the list price does not explain the demand.")
    if objective is Objective.PROFIT and terms.cost is None:
        reasons.append("The product's cost is not known.")
    if not history.lowest / MAX_DISTANCE <= float(terms.price) <= history.highest * MAX_DISTANCE:
        reasons.append("The current price is far from every price seen.")
    return tuple(reasons)


def _doubts(fit: Fit, objective: Objective) -> tuple[str, ...]:
    if fit.high >= 0:
        return ("The weeks don't show that a higher price sells less: the elasticity's interval reaches 0 or above.",)
    if fit.elasticity < MIN_ELASTICITY:
        return (f"An elasticity of {fit.elasticity:.1f} is not plausible; something beside the price was at work.",)
    if objective is Objective.REVENUE and fit.low < -1 < fit.high:
        return ("The elasticity's interval contains -1: whether revenue rises or falls with the price is open.",)
    return ()


def _recommend(weeks: Sequence[Week], history: History, fit: Fit, terms: Terms, objective: Objective) -> Advice:
    unit = terms.minor_unit
    floor = max(_exact(history.lowest), terms.break_even or Decimal(0)).quantize(unit, ROUND_CEILING)
    ceiling = _exact(history.highest).quantize(unit, ROUND_FLOOR)
    if floor > ceiling:
        return Advice(reasons=("No price seen so far covers the cost.",), history=history, fit=fit)

    def within(elasticity: float) -> Decimal:
        best = optimum(elasticity, terms.break_even, objective)
        return ceiling if best >= ceiling else max(floor, _exact(best).quantize(unit, ROUND_HALF_UP))

    price = within(fit.elasticity)
    reasons = [f"A price higher by 1 % sells {-fit.elasticity:.2f} % less (95 %: {-fit.high:.2f} to {-fit.low:.2f})."]
    if price in (floor, ceiling):
        reasons.append("The best price may lie beyond; this is as far as the prices seen and the cost go.")
    effects = _effects(weeks, fit.elasticity, terms, price)
    gained = effects[objective]
    if terms.price < (terms.break_even or 0):
        reasons.append("The current price is below cost.")
    elif gained is None or gained.then <= gained.now:
        price = terms.price
        effects = _effects(weeks, fit.elasticity, terms, price)
        reasons[1:] = ["The current price serves the objective as well as any price seen."]
    return Advice(
        reasons=tuple(reasons),
        history=history,
        fit=fit,
        price=price,
        low=within(fit.low),
        high=within(fit.high),
        units=effects[Objective.UNITS],
        revenue=effects[Objective.REVENUE],
        profit=effects[Objective.PROFIT],
    )


def _exact(price: float) -> Decimal:
    """Without the float's dust, which rounding up or down would turn into a whole minor unit."""
    return Decimal(f"{price:.6f}")


def _effects(weeks: Sequence[Week], elasticity: float, terms: Terms, price: Decimal) -> dict[Objective, Effect | None]:
    """Units, revenue and profit a week; today's demand is that of the recent weeks, moved to today's price."""
    now, then, tax = float(terms.price), float(price), float(terms.tax_factor)
    recent = sorted(weeks, key=lambda week: week.number)[-RECENT_WEEKS:]
    sold = fmean(week.units * (now / week.price) ** elasticity for week in recent)
    units = Effect(now=sold, then=sold * (then / now) ** elasticity)
    revenue = Effect(now=units.now * now / tax, then=units.then * then / tax)
    profit = None
    if terms.cost is not None:
        cost = float(terms.cost)
        profit = Effect(now=revenue.now - units.now * cost, then=revenue.then - units.then * cost)
    return {Objective.UNITS: units, Objective.REVENUE: revenue, Objective.PROFIT: profit}


def _residuals(values: Sequence[float], time: Sequence[float]) -> list[float]:
    """What a straight line over time leaves of the values."""
    middle, mean = fmean(time), fmean(values)
    centred = [t - middle for t in time]
    slope = _dot(centred, values) / _dot(centred, centred)
    return [value - mean - slope * t for value, t in zip(values, centred, strict=True)]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
