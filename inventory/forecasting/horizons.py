"""Which sums are forecast, and which of their quantiles. No numpy."""

HORIZONS = (1, 7, 14, 28, 56, 91)
"""days"""
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995)
KINDS = ("smooth", "erratic", "intermittent", "lumpy")
