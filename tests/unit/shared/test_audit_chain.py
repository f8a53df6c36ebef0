"""What a chain shows of whoever touched it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from shared.audit_chain import (
    GENESIS,
    AuditHead,
    ChainVerifier,
    Finding,
    Link,
    hash_of,
)
from shared.contracts.audit_verification import AuditFlaw
from shared.contracts.base import Service

ORG = UUID(int=1)
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
SERVICE = Service.CREDENTIALS

Chain: TypeAlias = list[tuple[Link, bytes]]


def _link(position: int, previous_hash: bytes, *, act: str = "lease.granted") -> Link:
    return Link(
        position=position,
        previous_hash=previous_hash,
        org_id=ORG,
        id=UUID(int=1000 + position),
        at=AT + timedelta(seconds=position),
        actor_kind="service",
        actor_id="runner-1",
        act=act,
        object_kind="provider",
        object_id=UUID(int=2),
        details='{"version": 1}',
        request_id=None if position % 2 else "request-1",
    )


def _written(acts: Sequence[str]) -> Chain:
    chain: Chain = []
    last = GENESIS
    for position, act in enumerate(acts, start=1):
        link = _link(position, last, act=act)
        last = hash_of(SERVICE, link)
        chain.append((link, last))
    return chain


@pytest.fixture
def chain() -> Chain:
    return _written([f"lease.granted{number}" for number in range(9)])


def _head(chain: Chain, position: int) -> AuditHead:
    return AuditHead(
        service=SERVICE,
        org_id=ORG,
        position=position,
        hash=chain[position - 1][1],
        at=AT,
    )


def _findings(chain: Chain, *heads: AuditHead) -> list[Finding]:
    verifier = ChainVerifier(SERVICE, ORG, heads)
    for link, stored_hash in chain:
        verifier.check(link, stored_hash)
    return verifier.findings()


def _told(chain: Chain, *heads: AuditHead) -> list[tuple[AuditFlaw, int]]:
    return [(each.flaw, each.position) for each in _findings(chain, *heads)]


def test_an_untouched_chain_has_no_findings(chain: Chain) -> None:
    assert _findings(chain, _head(chain, 4), _head(chain, 9)) == []


def test_an_empty_chain_has_no_findings() -> None:
    assert _findings([]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"org_id": UUID(int=3)},
        {"id": UUID(int=3)},
        {"at": AT},
        {"actor_kind": "user"},
        {"actor_id": "runner-2"},
        {"act": "lease.refused"},
        {"object_kind": "agent"},
        {"object_id": UUID(int=3)},
        {"details": '{"version": 2}'},
        {"request_id": "request-2"},
        {"request_id": None},
        {"previous_hash": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_edited_entry_is_named(chain: Chain, change: dict[str, Any]) -> None:
    link, stored_hash = chain[3]
    chain[3] = (replace(link, **change), stored_hash)

    assert _told(chain) == [(AuditFlaw.EDITED, 4)]


def test_words_moved_from_one_column_to_the_next_are_an_edit(chain: Chain) -> None:
    link, stored_hash = chain[3]
    shifted = replace(link, actor_kind="servic", actor_id="erunner-1")
    chain[3] = (shifted, stored_hash)

    assert _told(chain) == [(AuditFlaw.EDITED, 4)]


def test_an_entry_edited_with_its_hash_is_named(chain: Chain) -> None:
    forged = replace(chain[3][0], act="lease.refused")
    chain[3] = (forged, hash_of(SERVICE, forged))

    [finding] = _findings(chain)
    assert (finding.flaw, finding.position) == (AuditFlaw.REPLACED, 4)
    assert finding.entry_id == forged.id


def _swap(chain: Chain, first: int, second: int) -> None:
    """Let two entries change places, as two UPDATEs of their positions would."""
    one, two = chain[first - 1], chain[second - 1]
    chain[first - 1] = (replace(two[0], position=first), two[1])
    chain[second - 1] = (replace(one[0], position=second), one[1])


@pytest.mark.parametrize(("first", "second"), [(3, 4), (2, 8), (1, 9)])
def test_moved_entries_are_named_with_where_they_were(
    chain: Chain, first: int, second: int
) -> None:
    _swap(chain, first, second)

    assert [
        (each.flaw, each.position, each.moved_from) for each in _findings(chain)
    ] == [
        (AuditFlaw.MOVED, first, second),
        (AuditFlaw.MOVED, second, first),
    ]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (4, 4), (3, 7)])
def test_removed_entries_are_named(chain: Chain, first: int, last: int) -> None:
    del chain[first - 1 : last]

    [finding] = _findings(chain)
    assert (finding.flaw, finding.position) == (AuditFlaw.REMOVED, first)
    assert (finding.through or finding.position) == last


def test_closing_the_gap_after_a_removal_moves_every_later_entry(chain: Chain) -> None:
    head = _head(chain, 9)
    del chain[3]
    closed = [
        (replace(link, position=position), stored_hash)
        for position, (link, stored_hash) in enumerate(chain, start=1)
    ]

    assert _told(closed, head) == [
        *((AuditFlaw.MOVED, position) for position in range(4, 9)),
        (AuditFlaw.TRUNCATED, 9),
    ]


def test_a_cut_end_is_seen_by_a_head_that_was_kept(chain: Chain) -> None:
    head = _head(chain, 8)
    del chain[6:]

    [finding] = _findings(chain, head)
    assert (finding.flaw, finding.position) == (AuditFlaw.TRUNCATED, 7)
    assert finding.kept_at == AT


def test_a_chain_that_is_gone_altogether_is_seen_by_a_head(chain: Chain) -> None:
    assert _told([], _head(chain, 3)) == [(AuditFlaw.TRUNCATED, 1)]


def test_without_a_head_a_cut_end_is_not_seen(chain: Chain) -> None:
    del chain[6:]

    assert _findings(chain) == []


def test_a_history_written_anew_is_seen_by_a_head_that_was_kept(chain: Chain) -> None:
    heads = [_head(chain, 2), _head(chain, 5)]
    acts = [link.act for link, _ in chain]
    acts[3] = "lease.refused"

    rewritten = _written(acts)

    assert _told(rewritten, *heads) == [(AuditFlaw.REWRITTEN, 5)]
    assert _findings(rewritten) == []


def test_a_chain_of_another_service_is_another_chain(chain: Chain) -> None:
    verifier = ChainVerifier(Service.GATEWAY, ORG, [])
    for link, stored_hash in chain:
        verifier.check(link, stored_hash)

    assert len(verifier.findings()) == len(chain)


@pytest.mark.parametrize(
    ("touch", "words"),
    [
        (lambda chain: chain.pop(3), "entry 4 is missing"),
        (lambda chain: _swap(chain, 2, 8), "was moved here from position 8"),
    ],
)
def test_a_finding_says_in_words_where_and_what(
    chain: Chain, touch: Callable[[Chain], object], words: str
) -> None:
    touch(chain)

    told = str(_findings(chain)[0])

    assert words in told
    assert str(ORG) in told


def test_the_hash_of_an_entry_stays_what_it_was() -> None:
    """Kept from the first release: what was written must verify for ever."""
    expected = "20709b13ce7395c58def486995aced088f43fdd7519bd0c8fa2e08c4210f9538"

    assert hash_of(SERVICE, _link(2, bytes(range(32)))).hex() == expected
