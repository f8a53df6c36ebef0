"""docs/scale.md calculates right, and with figures that docs/performance.md has."""

import re
from operator import mul, truediv
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "scale.md").read_text()
MEASURED = (DOCS / "performance.md").read_text()
NUMBER = r"[\d,]+(?:\.\d+)?"
TIMES = "\N{MULTIPLICATION SIGN}"
SUMS = re.findall(rf"`({NUMBER}) ([{TIMES}/]) ({NUMBER}) = ({NUMBER})`", PAGE)
TABLE = PAGE.partition("## The figures")[2].partition("\n## ")[0]
FIGURES = re.findall(rf"^\| .+ \| ({NUMBER}) .+ \| .+ \|$", TABLE, re.MULTILINE)
OPERATORS = {TIMES: mul, "/": truediv}
ROUNDED = 0.03  # the page's figures have two digits or more


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("calculation", SUMS, ids=" ".join)
def test_a_calculation_is_right(calculation: tuple[str, str, str, str]) -> None:
    left, operator, right, result = calculation

    found = OPERATORS[operator](number(left), number(right))

    assert found == pytest.approx(number(result), rel=ROUNDED)


def test_each_figure_was_measured() -> None:
    known = set(re.findall(NUMBER, MEASURED))

    assert len(FIGURES) == 14
    assert [each for each in FIGURES if each not in known] == []


def test_calculations_are_found() -> None:
    assert len(SUMS) > 25
    assert len(SUMS) == len(re.findall(r"`[^`]+ = [^`]+`", PAGE))
