"""`python -m ag2trust_sandbox --port 8091`: the sandbox until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from .server import serving


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.exit(f"The sandbox cannot listen on port {options.port}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ag2trust_sandbox",
        description="Speaks OpenAI's wire format with scripted answers.",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8091,
        help="on 127.0.0.1; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--accept-key",
        action="append",
        metavar="KEY",
        help="accept this key only; repeat for more (default: any key)",
    )
    parser.add_argument(
        "--keys-in-full",
        action="store_true",
        help="show received keys in /sandbox/requests instead of their fingerprints",
    )
    parser.add_argument(
        "--remember",
        type=_count,
        default=1000,
        metavar="N",
        help="keep the latest N received requests (default: %(default)s)",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if port not in range(2**16):
        raise argparse.ArgumentTypeError(f"{port} is not from 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError(f"{count} is below 0")
    return count


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    async with serving(
        port=options.port,
        accepted_keys=options.accept_key,
        keys_in_full=options.keys_in_full,
        remembered_requests=options.remember,
    ) as sandbox:
        print(json.dumps({"event": "listening", "port": sandbox.port}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
