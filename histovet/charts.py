"""What a chart of readings and one of counts have in common: how an axis is marked."""

import math

_MOST_STEPS = 4
_ROUND = (1, 2, 2.5, 5, 10)


def round_marks(most: int) -> range:
    """Return nought and up to four round numbers after it, of which the last is `most`
    or more. `most` is 40 or more."""
    step = _round_step(most / _MOST_STEPS)
    return range(0, most + step, step)


def _round_step(least: float) -> int:
    size = 10 ** math.floor(math.log10(least))
    return int(next(size * one for one in _ROUND if size * one >= least))
