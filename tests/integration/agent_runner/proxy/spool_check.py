"""What must hold of a spool on the disk once every call is over."""

from collections import Counter
from pathlib import Path

from agent_runner.spool.format import (
    OpenedRecord,
    Record,
    SettledRecord,
    decode_contents,
    decode_header,
)
from shared.contracts.metrics import CallRecord

__all__ = ["check_spool", "settled_on_disk"]


def check_spool(folder: Path) -> None:
    """Every call that was opened is settled exactly once, in a record metrics reads."""
    opened: Counter[bytes] = Counter()
    settled: Counter[bytes] = Counter()
    for record in _records(folder):
        (opened if isinstance(record, OpenedRecord) else settled)[record.call_id] += 1
        call = CallRecord.model_validate_json(record.payload)
        assert call.call_id.bytes == record.call_id
    assert settled == opened
    assert set(settled.values()) <= {1}


def settled_on_disk(folder: Path) -> list[CallRecord]:
    """Read the files as another process would."""
    return [
        CallRecord.model_validate_json(record.payload)
        for record in _records(folder)
        if isinstance(record, SettledRecord)
    ]


def _records(folder: Path) -> list[Record]:
    records: list[Record] = []
    for path in sorted(folder.glob("*.segment")):
        data = path.read_bytes()
        header = decode_header(data, name=path.name)
        if header is not None:
            records += decode_contents(data, header.base).records
    return records
