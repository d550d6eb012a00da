"""Amounts in words, by Grafana's names of units; as many of them as the boards use."""

import math

TIMES = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
BYTES = ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"))
MANY = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
SUFFIXES = {"reqps": " req/s", "cps": " /s"}


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Return an amount as a panel shows it.

    Args:
        value: in the base unit.
        unit: Grafana's name; one that is not known shows the number alone.
        decimals: None: three figures that count.
    """
    if not math.isfinite(value):
        return "no data"
    match unit:
        case "percentunit":
            return f"{_number(100 * value, decimals)} %"
        case "s":
            return _scaled(value, TIMES, "s", decimals)
        case "bytes":
            return _scaled(value, BYTES, "B", decimals)
        case "short":
            return _scaled(value, MANY, "", decimals)
        case _:
            return f"{_number(value, decimals)}{SUFFIXES.get(unit, '')}"


def _scaled(value: float, scales: tuple[tuple[float, str], ...], smallest: str, decimals: int | None) -> str:
    size = abs(value)
    factor, name = next((each for each in scales if size >= each[0]), (1.0, smallest))
    is_scaled = name != smallest
    return f"{_number(value / factor, None if is_scaled else decimals)} {name}".rstrip()


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
