"""A panel's forecasts: calendar, methods, selection and calibration in one go."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibrating import sums_and_quantiles
from .horizons import HORIZONS, KINDS, LEVELS
from .panel import Array, Panel, weekday_factors
from .selecting import HORIZON, Selected, select, window_shares, window_sums


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Of every product of a panel, from the day after its last."""

    panel: Panel
    factors: Array
    """products x weekdays"""
    chosen: Selected
    horizons: tuple[int, ...]
    expected: Array
    """of the sums: products x horizons"""
    quantiles: Array
    """of the sums: products x horizons x LEVELS"""

    def daily(self, days: int) -> Array:
        """Units expected on each of the next days: products x days."""
        ahead = self.panel.weekday(np.arange(self.panel.days, self.panel.days + days))
        made: Array = self.chosen.level[:, None] * self.factors[:, ahead]
        return made

    def stored(self, row: int) -> dict[str, Any]:
        """A product's forecast in the form that the package's docstring gives."""
        level = float(self.chosen.level[row] * self.factors[row].mean())
        return {
            "days": list(self.horizons),
            "expected": _rounded(self.expected[row]),
            "levels": list(LEVELS),
            "sums": [_rounded(sums) for sums in self.quantiles[row]],
            "day_mean": round(level, 4),
            "day_sd": round(self._day_sd(row, level), 4),
            "kind": KINDS[int(self.chosen.kinds[row])],
        }

    def methods(self) -> list[str]:
        """The method with the most weight for each product."""
        return [self.chosen.names[index] for index in self.chosen.weights.argmax(axis=0)]

    def backtest(self) -> list[dict[str, Any]]:
        """Each product's errors over its origins, of sums over four weeks except `rmsse`, which is of days; None where
        nothing was sold, or nothing varied.
        """
        chosen = self.chosen
        share = window_shares(self.panel, self.factors, chosen.origins, HORIZON)
        actual = window_sums(self.panel, chosen.origins, HORIZON)
        off = (chosen.past * share - actual) * chosen.usable
        base = (chosen.baseline * share - actual) * chosen.usable
        sold = (actual * chosen.usable).sum(axis=1)
        count = chosen.usable.sum(axis=1)
        squares, scale = self._squares(), self._scale()
        return [
            {
                "origins": int(count[row]),
                "horizon_days": HORIZON,
                "wape": _share(np.abs(off[row]).sum(), sold[row]),
                "baseline_wape": _share(np.abs(base[row]).sum(), sold[row]),
                "rmsse": _share(np.sqrt(squares[row] / max(count[row] * HORIZON, 1)), np.sqrt(scale[row])),
                "bias": _share(off[row].sum(), sold[row]),
            }
            for row in range(len(off))
        ]

    def _squares(self) -> Array:
        """Sum of each product's squared errors of days, over its origins."""
        squares = np.zeros(len(self.factors))
        for column, origin in enumerate(self.chosen.origins):
            ahead = np.arange(origin, origin + HORIZON)
            guess = self.chosen.past[:, column, None] * self.factors[:, self.panel.weekday(ahead)]
            off = np.nan_to_num(self.panel.units[:, ahead] - guess)
            squares += (off**2).sum(axis=1) * self.chosen.usable[:, column]
        return squares

    def _scale(self) -> Array:
        steps = np.nan_to_num(np.diff(self.panel.units, axis=1) ** 2)
        live = np.arange(1, self.panel.days)[None, :] > self.panel.first[:, None]
        scale: Array = (steps * live).sum(axis=1) / np.maximum(live.sum(axis=1), 1)
        return scale

    def _day_sd(self, row: int, mean: float) -> float:
        """Of any day, closed ones included: the spread of the open days and of the weekdays."""
        opened = self.panel.weekdays.mean()
        level = float(self.chosen.level[row])
        between = float(((level * self.factors[row]) ** 2).mean()) - mean**2
        return float(np.sqrt(max(0.0, opened * float(self.chosen.spread[row]) + between)))


def forecast_panel(panel: Panel, horizons: tuple[int, ...] = HORIZONS) -> Forecasts:
    """Forecast every product of a panel from the day after its last; nothing later is known to it.

    :param horizons: of the sums whose quantiles are wanted, in days, ascending.
    """
    factors = weekday_factors(panel)
    chosen = select(panel, factors)
    return Forecasts(panel, factors, chosen, horizons, *sums_and_quantiles(panel, factors, chosen, horizons))


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 4) for value in values]


def _share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 4) if whole > 0 else None
