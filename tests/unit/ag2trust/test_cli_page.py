"""docs/cli.md says what the commands say."""

from .write_cli import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == f"{page()}\n", "run make generate"
