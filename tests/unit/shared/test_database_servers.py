"""Which servers a database URL names."""

import pytest

from shared.database_servers import servers_of


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("postgresql://r:p@a:5432/d", ["postgresql://r:p@a:5432/d"]),
        ("postgresql://r:p@/d?host=%2Frun", ["postgresql://r:p@/d?host=%2Frun"]),
        (
            "postgresql://r:p%2C@a:1,b:2/d?sslmode=disable",
            [
                "postgresql://r:p%2C@a:1/d?sslmode=disable",
                "postgresql://r:p%2C@b:2/d?sslmode=disable",
            ],
        ),
        (
            "postgresql://r:p@/d?host=a,b&target_session_attrs=read-write",
            [
                "postgresql://r:p@/d?host=a&target_session_attrs=read-write",
                "postgresql://r:p@/d?host=b&target_session_attrs=read-write",
            ],
        ),
        (
            "postgresql://r:p@/d?host=a,b&port=6432",
            [
                "postgresql://r:p@/d?host=a&port=6432",
                "postgresql://r:p@/d?host=b&port=6432",
            ],
        ),
        (
            "postgresql://r:p@/d?host=a,b&port=1,2",
            ["postgresql://r:p@/d?host=a&port=1", "postgresql://r:p@/d?host=b&port=2"],
        ),
    ],
)
def test_each_server_of_a_url_has_a_url(url: str, servers: list[str]) -> None:
    assert servers_of(url) == servers


def test_ports_that_are_not_as_many_as_hosts_are_left_to_the_driver() -> None:
    url = "postgresql://r:p@/d?host=a,b,c&port=1,2"

    assert servers_of(url) == [url]
