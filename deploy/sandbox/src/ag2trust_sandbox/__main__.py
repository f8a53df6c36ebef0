"""`python -m ag2trust_sandbox --port 8091`: the sandbox until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from .key_pair import EXAMPLE_KEY_PAIR, KeyPair
from .sandbox import Sandbox
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
        description="Speaks the wire formats of OpenAI, Anthropic and Amazon Bedrock "
        "with scripted answers.",
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
        "--accept-key-pair",
        action="append",
        type=_key_pair,
        metavar="ID:SECRET[:TOKEN]",
        help="accept requests to Bedrock signed with this key pair only; repeat for "
        "more (default: the one in AWS's documentation)",
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


def _key_pair(text: str) -> KeyPair:
    match text.split(":"):
        case [access_key_id, secret_access_key]:
            return KeyPair(access_key_id, secret_access_key)
        case [access_key_id, secret_access_key, session_token]:
            return KeyPair(access_key_id, secret_access_key, session_token)
        case _:
            raise argparse.ArgumentTypeError("this is not ID:SECRET or ID:SECRET:TOKEN")


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    async with serving(
        port=options.port,
        accepted_keys=options.accept_key,
        accepted_key_pairs=options.accept_key_pair or (EXAMPLE_KEY_PAIR,),
        keys_in_full=options.keys_in_full,
        remembered_requests=options.remember,
    ) as sandbox:
        print(json.dumps(_listening(sandbox)), flush=True)
        await stop.wait()


def _listening(sandbox: Sandbox) -> dict[str, str | int]:
    return {
        "event": "listening",
        "port": sandbox.port,
        "openai_base_url": sandbox.base_url,
        "anthropic_base_url": sandbox.anthropic_base_url,
        "bedrock_endpoint_url": sandbox.bedrock_endpoint_url,
    }


if __name__ == "__main__":
    main()
