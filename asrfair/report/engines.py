"""The engines for a terminal: whether each is ready, what it needs, takes and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asrfair.report.columns import wrapped

Entry = Mapping[str, Any]

HINT = "asrfair systems NAME says more of one; --system NAME,OPTION=VALUE uses it."
ESTIMATE = "Prices: public list prices of {}, an estimate and no bill; local engines cost nothing here."


def render_engines(entries: Sequence[Entry], *, detailed: bool = False) -> str:
    """The engines in blocks of lines.

    Args:
        entries: of each `name, kind, ready, missing, about, options, price, prices`.
        detailed: also what it says of itself, and the prices of all its models.
    """
    blocks = ["\n".join(_block(entry, detailed=detailed)) for entry in entries]
    if detailed:
        return "\n\n".join(blocks)
    ready = sum(bool(entry["ready"]) for entry in entries)
    days = sorted({entry["price"]["as_of"] for entry in entries if entry["price"]})
    closing = [f"{ready} of {len(entries)} engines are ready. {HINT}", *([ESTIMATE.format(days[-1])] if days else [])]
    return "\n\n".join([*blocks, "\n".join(wrapped(line) for line in closing)])


def _block(entry: Entry, *, detailed: bool) -> Iterator[str]:
    """The lines of one engine."""
    state = "ready" if entry["ready"] else "not ready"
    price = entry["price"]
    costs = [f"{_amount(price['per_minute'])} {price['currency']} a minute"] if price and not detailed else []
    yield wrapped(f"{entry['name']}: {', '.join([entry['kind'], state, *costs])}")
    if detailed and entry["about"]:
        yield wrapped(entry["about"], first="  ")
    for todo in entry["missing"]:
        yield wrapped(f"to do: {todo}", first="  ")
    if detailed:
        yield from (wrapped(_option(option), first="  option ") for option in entry["options"])
        yield from (wrapped(_price(each), first="  price ") for each in entry["prices"])
    else:
        yield wrapped("options: " + (", ".join(map(_option, entry["options"])) or "none"), first="  ")


def _option(option: Mapping[str, Any]) -> str:
    """An option with its types and its default.

    >>> _option({"name": "model", "types": ("str",), "required": True, "default": None})
    'model (str, required)'
    """
    shown = "required" if option["required"] else f"default {option['default']!r}"
    return f"{option['name']} ({' or '.join(option['types'])}, {shown})"


def _price(price: Mapping[str, Any]) -> str:
    """A price with how it is billed and where it stands."""
    model = "" if price["model"] == "*" else f"{price['model']}: "
    step = f", in steps of {_amount(price['increment_s'])} s" if price["increment_s"] else ""
    least = f", {_amount(price['minimum_s'])} s at least" if price["minimum_s"] else ""
    note = f"; {price['note']}" if price["note"] else ""
    each = f"{_amount(price['per_minute'])} {price['currency']} a minute{step}{least}"
    return f"{model}{each} ({price['source']}, {price['as_of']}{note})"


def _amount(number: float) -> str:
    """A number without needless digits.

    >>> _amount(0.016666666666666666), _amount(15.0), _amount(0.006)
    ('0.01667', '15', '0.006')
    """
    return f"{number:.4g}"
