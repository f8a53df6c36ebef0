"""The figures of a run as tables, and beside them what they must be."""

from collections.abc import Callable, Sequence
from statistics import median

from .measuring import CLOSED, Measurement
from .peers import NGINX, OURS

__all__ = ["show"]

Rounds = Sequence[Measurement]
Found = dict[str, list[Measurement]]


def show(found: Found) -> None:
    _show_rates(found)
    _show_added(found)
    _show_costs(found)
    _show_goals(found)


def _show_rates(found: Found) -> None:
    print("\nRequests a second, of one core (in parentheses: part of nginx's)\n")
    _header([*CLOSED])
    for name, rounds in found.items():
        cells = [
            f"{_rate(rounds, each):,.0f}{_part(found, name, each)}" for each in CLOSED
        ]
        _row(name, cells)


def _show_added(found: Found) -> None:
    print("\nAdded to the upstream's own time, µs (p50 / p99)\n")
    closed = ["plain, 1 connection", "stream in a burst, 1"]
    timed = ["open loop, 200/s", "first event, 100 streams"]
    _header([*closed, *timed])
    for name, rounds in found.items():
        cells = [
            *(_added(found, rounds, _closed_at(each)) for each in closed),
            *(_added(found, rounds, _timed_at(each)) for each in timed),
        ]
        _row(name, cells)


def _show_costs(found: Found) -> None:
    print("\nProcessor time for a request (µs), memory (MB), errors\n")
    _header([*CLOSED, "MB at rest", "MB at most", "errors"])
    for name, rounds in found.items():
        cells = [f"{_cpu(rounds, each):,.0f}" for each in CLOSED]
        cells.append(f"{median(each.resting_megabytes for each in rounds):,.0f}")
        cells.append(f"{median(each.peak_megabytes for each in rounds):,.0f}")
        cells.append(f"{sum(map(_errors, rounds)):,}")
        _row(name, cells)


def _show_goals(found: Found) -> None:
    if not {OURS.name, NGINX.name} <= found.keys():
        return
    print("\nGoals\n")
    ours, nginx = found[OURS.name], found[NGINX.name]
    plain, delayed, burst = (
        "plain, 16",
        "50 ms upstream, 1,000",
        "stream in a burst, 16",
    )
    parts = {NGINX.name: 0.27, "TensorZero": 1.5, "Portkey": 18.0, "LiteLLM": 100.0}
    for name, least in parts.items():
        if name in found:
            ratio = _ratio(ours, found[name], plain)
            _goal(f"requests/s at 16, x {name}", ratio, least, is_least=True)
    added = _added_us(found, ours, _closed_at("plain, 1 connection"), 0.5)
    of_nginx = _added_us(found, nginx, _closed_at("plain, 1 connection"), 0.5)
    _goal("added p50 at 1 connection, ms", added / 1000, 0.4)
    _goal("added p50 at 1 connection, x nginx", added / max(of_nginx, 1e-9), 2.0)
    _goal(
        "50 ms upstream, 1,000, x nginx",
        _ratio(ours, nginx, delayed),
        0.6,
        is_least=True,
    )
    _goal("stream in a burst, x nginx", _ratio(ours, nginx, burst), 0.9, is_least=True)
    first = _added_us(found, ours, _timed_at("first event, 100 streams"), 0.99)
    _goal("added to the first event, p99, ms", first / 1000, 3.0)
    _goal("MB at rest", median(each.resting_megabytes for each in ours), 80)
    _goal("MB at most", median(each.peak_megabytes for each in ours), 160)
    _goal("errors", sum(map(_errors, ours)), 0)


def _goal(what: str, figure: float, bound: float, *, is_least: bool = False) -> None:
    is_met = figure >= bound if is_least else figure <= bound
    sign = "≥" if is_least else "≤"
    print(
        f"{what:<40}{figure:>12,.2f}   {sign} {bound:<8g}{'' if is_met else 'MISSED'}"
    )


def _rate(rounds: Rounds, name: str) -> float:
    return median(each.runs[name].load.rate for each in rounds)


def _ratio(rounds: Rounds, others: Rounds, name: str) -> float:
    return _rate(rounds, name) / max(_rate(others, name), 1e-9)


def _part(found: Found, name: str, load: str) -> str:
    if NGINX.name not in found or name in {"direct", NGINX.name}:
        return ""
    return f" ({_ratio(found[name], found[NGINX.name], load):.2f})"


def _cpu(rounds: Rounds, name: str) -> float:
    return median(each.runs[name].cpu_us for each in rounds)


def _errors(measurement: Measurement) -> int:
    runs = sum(each.load.errors for each in measurement.runs.values())
    return runs + sum(each.errors for each in measurement.timed.values())


Percentile = Callable[[Measurement, float], float]


def _closed_at(name: str) -> Percentile:
    def read(measurement: Measurement, part: float) -> float:
        load = measurement.runs[name].load
        return load.p50_us if part == 0.5 else load.p99_us

    return read


def _timed_at(name: str) -> Percentile:
    return lambda measurement, part: measurement.timed[name].percentile(part)


def _added_us(found: Found, rounds: Rounds, at: Percentile, part: float) -> float:
    own = median(at(each, part) for each in found["direct"])
    return median(at(each, part) for each in rounds) - own


def _added(found: Found, rounds: Rounds, at: Percentile) -> str:
    if rounds is found["direct"]:
        own = [median(at(each, part) for each in rounds) for part in (0.5, 0.99)]
        return f"(own {own[0]:,.0f} / {own[1]:,.0f})"
    if not all(at(each, 0.5) > 0 for each in rounds):  # wrk says 0, and we no number
        return "no answer"
    return " / ".join(
        f"{_added_us(found, rounds, at, part):,.0f}" for part in (0.5, 0.99)
    )


def _header(names: Sequence[str]) -> None:
    print(f"{'':<18}" + "".join(f"{name:>26}" for name in names))


def _row(name: str, cells: Sequence[str]) -> None:
    print(f"{name:<18}" + "".join(f"{cell:>26}" for cell in cells))
