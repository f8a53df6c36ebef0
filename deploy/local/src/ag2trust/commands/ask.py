"""`ag2trust ask`: a question, and its answer as it is made."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import click

from ag2trust_client import Answer, Client, Delta, Restart, StreamedMessage
from ag2trust_client.models import AgentMessage, MessageSubmission

from .calling import calling
from .formats import milliseconds, number
from .naming import agent_named
from .numbers import FiniteRange
from .output import as_json, said, say, say_json

__all__ = ["ask"]


@click.command(short_help="Ask an agent, and see its answer as it is made.")
@click.argument("slug")
@click.argument("content", required=False)
@click.option("--agent", is_flag=True, help="SLUG is the name of one agent.")
@click.option("--thread", type=click.UUID, help="Go on with this conversation.")
@click.option(
    "--timeout",
    type=FiniteRange(1, 600),
    default=120,
    show_default=True,
    help="Seconds to wait for the answer.",
)
@click.option(
    "--stream/--whole",
    default=None,
    help="Show the answer as it is made, or when it is whole. A terminal gets the "
    "one, a file the other.",
)
@as_json
@calling
async def ask(
    client: Client,
    *,
    slug: str,
    content: str | None,
    agent: bool,
    thread: UUID | None,
    timeout: float,  # noqa: ASYNC109 - the API's own
    stream: bool | None,
    is_json: bool,
) -> None:
    """Ask an agent of the type SLUG.

    Without CONTENT, or with -, standard input is the question.

    Exits with 1 if there is no answer.
    """
    body = MessageSubmission(
        content=sys.stdin.read() if content in {None, "-"} else content,
        timeout_seconds=timeout,
        **({"thread_id": thread} if thread else {}),
    )
    if agent:
        pieces = client.streamed_message((await agent_named(client, slug)).id, body)
    else:
        pieces = client.streamed_ask(slug, body)
    is_streamed = sys.stdout.isatty() if stream is None else stream
    message = await _heard(pieces, shows=is_streamed and not is_json)
    if is_json:
        say_json(message.model_dump(mode="json"))
    else:
        _tell(message, is_told=is_streamed)
    if message.status != "completed":
        raise click.exceptions.Exit(1)


async def _heard(
    pieces: AsyncGenerator[StreamedMessage, None], *, shows: bool
) -> AgentMessage:
    """Listen to the end; what is shown grows in place, and begins anew if it must."""
    async with aclosing(pieces) as heard:
        async for piece in heard:
            match piece:
                case Answer(message=message):
                    return message
                case Delta(content=content) if shows:
                    say(content, ends=False)
                case Restart() if shows:
                    click.echo()
                    said("(the answer begins anew)")
                case _:
                    pass
    raise click.ClickException("The answer broke off.")


def _tell(message: AgentMessage, *, is_told: bool) -> None:
    if message.status == "completed":
        say("" if is_told else message.content or "")
    elif message.explanation:
        say(message.explanation.message)
        said(f"{message.explanation.cause} {message.explanation.fix}")
    elif message.finished_at is None:
        said(f"No answer yet: GET /api/messages/{message.message_id} has it later.")
    tokens = number(message.usage.total_tokens)
    took = milliseconds(message.duration_ms)
    said(f"{message.status}, {tokens} tokens, {took}, --thread {message.thread_id}")
