"""A sandbox on a port of its own, for as long as a block runs."""

import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from .anthropic.routes import AnthropicRoutes
from .anthropic.wire import ANTHROPIC
from .bedrock.routes import BedrockRoutes
from .bedrock.wire import BEDROCK
from .control_routes import ControlRoutes
from .key_pair import EXAMPLE_KEY_PAIR, KeyPair
from .openai.routes import OpenAIRoutes
from .openai.wire import OPENAI
from .refusing import refusing
from .remembering import remembering
from .sandbox import Sandbox

__all__ = ["serving"]

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024
_LARGEST_BODY_BYTES: Final = 64 * 1024 * 1024
_STOP_SECONDS: Final = 0.1
"""What is still being answered when the block ends is dropped after this."""


@asynccontextmanager
async def serving(
    *,
    port: int = 0,
    accepted_keys: Collection[str] | None = None,
    accepted_key_pairs: Collection[KeyPair] = (EXAMPLE_KEY_PAIR,),
    keys_in_full: bool = False,
    remembered_requests: int = 1000,
) -> AsyncIterator[Sandbox]:
    """Serve a sandbox on *port* of 127.0.0.1; 0 picks a free one.

    `accepted_keys`: None accepts any key that is not empty. `accepted_key_pairs` may
    sign requests to Bedrock. `keys_in_full` remembers the keys of received requests
    instead of their fingerprints. Of the requests only the latest `remembered_requests`
    are kept. Raises `OSError` if the port is taken.
    """
    with socket.create_server((_HOST, port), backlog=_BACKLOG) as listener:
        sandbox = Sandbox(
            port=listener.getsockname()[1],
            accepted_keys=accepted_keys,
            accepted_key_pairs=accepted_key_pairs,
            remembered_requests=remembered_requests,
        )
        # Cancelling handlers is what ends a hang once its client has left.
        runner = web.AppRunner(
            _application(sandbox, keys_in_full=keys_in_full),
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=_STOP_SECONDS,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listener, backlog=_BACKLOG).start()
            yield sandbox
        finally:
            await runner.cleanup()


def _application(sandbox: Sandbox, *, keys_in_full: bool) -> web.Application:
    app = web.Application(
        client_max_size=_LARGEST_BODY_BYTES,
        middlewares=[
            refusing({"/anthropic/": ANTHROPIC, "/bedrock/": BEDROCK, "/": OPENAI}),
            remembering(sandbox, keys_in_full=keys_in_full),
        ],
    )
    app.on_response_prepare.append(_say_what_answers)
    app.add_routes(OpenAIRoutes(sandbox).table)
    app.add_routes(AnthropicRoutes(sandbox).table)
    app.add_routes(BedrockRoutes(sandbox).table)
    app.add_routes(ControlRoutes(sandbox).table)
    return app


async def _say_what_answers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["x-sandbox-provider"] = "true"
