"""The NATS server knows its logins, listens on loopback, and says nothing else."""

from pathlib import Path
from typing import Any

from ag2trust.nats_server import configuration
from shared.contracts.base import Service
from shared.contracts.permissions import permissions_of


def _configuration() -> dict[str, Any]:
    return dict(
        configuration(
            port=4222,
            store=Path("/data/nats"),
            logins={"UA": Service.GATEWAY, "UB": Service.METRICS},
        )
    )


def test_it_listens_on_loopback_alone_and_cannot_be_watched() -> None:
    told = _configuration()

    assert told["listen"] == "127.0.0.1:4222"
    assert not {"http", "http_port", "https_port", "monitor_port"} & told.keys()


def test_nobody_comes_in_without_a_key() -> None:
    authorization = _configuration()["authorization"]

    assert authorization.keys() == {"users"}
    assert [user["nkey"] for user in authorization["users"]] == ["UA", "UB"]
    assert all("password" not in user for user in authorization["users"])


def test_a_login_may_do_what_the_contracts_say() -> None:
    gateway = _configuration()["authorization"]["users"][0]["permissions"]

    assert gateway["publish"] == [*permissions_of(Service.GATEWAY).publish]
    assert gateway["subscribe"] == [*permissions_of(Service.GATEWAY).subscribe]
    assert gateway["allow_responses"]["max"] == 1
