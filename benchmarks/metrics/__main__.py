"""Counting and reading, measured: `make bench-metrics`.

PostgreSQL, NATS and the service have the first core to themselves, who asks has the
last. The limits are those of the product: 5,000 calls a second on one core; reads of 30
days within 100 ms at the 95th percentile, of 90 days within 200 ms, with ten million
calls.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from benchmarks.interpreters import IMAGES

from .history import make_history
from .ingest import BATCH, MOST_SOURCES, measure_ingest
from .reads import measure_reads, show_plans
from .stage import set_up


async def main(options: argparse.Namespace) -> None:
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}; metrics on {IMAGES}")
    with tempfile.TemporaryDirectory(prefix="ag2trust-benchmark-") as folder:
        async with set_up(Path(folder)) as stage:
            await measure_ingest(stage, options.batches)
            if options.calls:
                await make_history(stage.stack, options.calls)
                await measure_reads(stage, options.times)
                await show_plans(stage.stack)


def _batches(text: str) -> int:
    """Read how many batches to send, one at least of each source."""
    if (batches := int(text)) < MOST_SOURCES:
        raise argparse.ArgumentTypeError(f"at least {MOST_SOURCES}, one of each source")
    return batches


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--batches", type=_batches, default=200, help=f"of {BATCH} calls each"
    )
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=40, help="of each read")
    asyncio.run(main(parser.parse_args()))
