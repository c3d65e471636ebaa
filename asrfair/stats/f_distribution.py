"""The F distribution: its upper tail, for any real degrees of freedom > 0.

`P(F > f) = I_x(d2/2, d1/2)` with `x = d2 / (d2 + d1 f)`, I the regularised incomplete beta function, by its continued
fraction (DLMF 8.17.22, Lentz's method) on the side where it converges fast. The factor before it,
`x^a (1-x)^b / B(a, b)`, is taken in Loader's (2000) form: relative to its largest value, with the error of Stirling's
formula instead of differences of `lgamma`, so that no digits are lost for many degrees of freedom.

Why not scipy: importing it costs more than the analysis (see `student_t`). The tests hold this to `scipy.stats.f`.

>>> round(f_sf(3.0, 2, 10), 6)
0.095367
"""

from __future__ import annotations

import math

from asrfair.errors import InputError

_EPSILON = 2.3e-16
_MANY = 1e8
"""Degrees of freedom from which more change nothing within the promised precision; more are taken as these."""


def f_sf(f: float, df_between: float, df_within: float) -> float:
    """Upper tail P(F > f).

    Args:
        f: the statistic, not NaN; 0 or less has a tail of 1.
        df_between: degrees of freedom of the numerator, > 0.
        df_within: degrees of freedom of the denominator, > 0; infinity is taken as 1e8.

    Returns:
        A probability, to a relative error below 1e-9.

    Raises:
        InputError: degrees of freedom that are not positive, or NaN.

    >>> f_sf(0.0, 3, 8.5)
    1.0
    """
    if not (df_between > 0 and df_within > 0):
        raise InputError(f"{df_between} and {df_within} degrees of freedom: both must be positive")
    if math.isnan(f):
        raise InputError("NaN has no probability")
    if f <= 0:
        return 1.0
    if math.isinf(f):
        return 0.0
    d1, d2 = min(df_between, _MANY), min(df_within, _MANY)
    a, b = d2 / 2.0, d1 / 2.0
    whole = d2 + d1 * f
    if math.isinf(whole):
        return 0.0
    x, y = d2 / whole, d1 * f / whole
    log_factor = (
        a * _log_ratio((d1 + d2) / whole, d1 * (1.0 - f) / whole)
        + b * _log_ratio(f * (d1 + d2) / whole, d2 * (f - 1.0) / whole)
        + 0.5 * math.log(a * b / (2.0 * math.pi * (a + b)))
        + (_stirling_error(a + b) - _stirling_error(a) - _stirling_error(b))
    )
    factor = math.exp(log_factor)
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, factor * _fraction(a, b, x) / a)
    return max(0.0, 1.0 - factor * _fraction(b, a, y) / b)


def _log_ratio(ratio: float, excess: float) -> float:
    """`ln(ratio)`, with all its digits near 1, where `excess` is `ratio - 1`."""
    return math.log1p(excess) if abs(excess) < 0.5 else math.log(ratio)


def _stirling_error(z: float) -> float:
    """`ln Gamma(z) - ((z - 1/2) ln z - z + ln(2 pi) / 2)`."""
    if z < 15.0:
        return math.lgamma(z) - ((z - 0.5) * math.log(z) - z + 0.5 * math.log(2.0 * math.pi))
    w = 1.0 / (z * z)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, times `a B(a, b) / (x^a (1-x)^b)`, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0), tiny)
    value, m, step = d, 0, 2.0
    while abs(step - 1.0) > _EPSILON:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        step = 1.0
        for term in (even, odd):
            d = 1.0 / _not_zero(1.0 + term * d, tiny)
            c = _not_zero(1.0 + term / c, tiny)
            step *= c * d
        value *= step
    return value


def _not_zero(value: float, tiny: float) -> float:
    """Lentz's guard against a division by zero."""
    return value if abs(value) > tiny else tiny
