"""What a log complains about is told once; the rest is not told at all."""

from pathlib import Path

import pytest

from ag2trust.complaints import Complaints, complaint_in
from ag2trust.screen import Screen


class KeptScreen(Screen):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str = "") -> None:
        self.lines.append(text)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"level": "info", "event": "lease.granted"}', None),
        ('{"level": "error", "event": "question.failed"}', "question.failed"),
        (
            '{"level": "critical", "event": "service.failed", "reasons": ["A.", "B."]}',
            "A. B.",
        ),
        ("{no json", None),
        ("[7] 2026/11/23 15:00:00.1 [INF] Server is ready", None),
        ("[7] 2026/11/23 15:00:00.1 [ERR] no space left", "no space left"),
        ("2026-11-23 15:00:00 UTC [9] ERROR:  duplicate key", None),
        ("2026-11-23 15:00:00 UTC [9] FATAL:  out of memory", "out of memory"),
    ],
)
def test_a_line_is_a_complaint_or_not(line: str, complaint: str | None) -> None:
    assert complaint_in(line) == complaint


async def test_only_what_is_new_is_told_and_only_once(tmp_path: Path) -> None:
    log, screen = tmp_path / "nats.log", KeptScreen()
    log.write_text("[1] [ERR] yesterday\n")
    complaints = Complaints(tmp_path, screen)

    with log.open("a") as file:
        file.write("[1] [ERR] today\n")
    await complaints.tell_new()
    with log.open("a") as file:
        file.write("[1] [ERR] today\n")
    await complaints.tell_new()

    assert screen.lines == [f"nats complains: today  ({log})"]


async def test_a_line_that_is_written_in_two_parts_is_told_whole(
    tmp_path: Path,
) -> None:
    log, screen = tmp_path / "nats.log", KeptScreen()
    complaints = Complaints(tmp_path, screen)

    log.write_text("[1] [ERR] no sp")
    await complaints.tell_new()
    with log.open("a") as file:
        file.write("ace left\n")
    await complaints.tell_new()

    assert screen.lines == [f"nats complains: no space left  ({log})"]


async def test_a_long_log_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    complaints = Complaints(tmp_path, KeptScreen())
    log.write_text("x" * (8 * 2**20 + 1))

    await complaints.tell_new()

    assert log.stat().st_size == 0
    assert (tmp_path / "gateway.log.1").stat().st_size == 8 * 2**20 + 1
