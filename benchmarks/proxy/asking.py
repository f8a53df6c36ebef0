"""What is asked of every proxy, and what the upstream answers: all fixed."""

import json

__all__ = [
    "ANSWER",
    "BURST",
    "DELAYED",
    "EVENTS",
    "FRAMES",
    "KEY",
    "MODEL",
    "PACED",
    "PLACES",
    "PLAIN",
    "PROXY_PORT",
    "UPSTREAM_PORT",
    "chat",
    "token_of",
]

MODEL = "bench"
KEY = "sk-benchmark-0123456789abcdef0123456789abcdef"
FRAMES = 64
UPSTREAM_PORT = 19801
PROXY_PORT = 19802

# Places of the one upstream, each with an answer of its own.
PLAIN, DELAYED, BURST, PACED = PLACES = ("plain", "delayed", "burst", "paced")

_WORDS = (
    "It is sunny in Lisbon today with a light breeze from the north-west; it will stay"
    " dry until the evening. Tomorrow will be slightly cooler, with some clouds in the"
    " morning and a small chance of rain after noon, so an umbrella may be of use if"
    " you stay out late. Say which city you want the forecast of next."
)
_USAGE = {"prompt_tokens": 57, "completion_tokens": 83, "total_tokens": 140}
_BASE = {"id": "chatcmpl-0123456789", "created": 1_700_000_000, "model": MODEL}

ANSWER = json.dumps(
    {
        **_BASE,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _WORDS},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    },
    separators=(",", ":"),
)


def _event(choices: list[object], **more: object) -> str:
    chunk = {**_BASE, "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"


EVENTS = [
    *(
        _event([{"index": 0, "delta": {"content": "word "}, "finish_reason": None}])
        for _ in range(FRAMES - 3)
    ),
    _event([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
    _event([], usage=_USAGE),
    "data: [DONE]\n\n",
]
"""A stream of `FRAMES` events, usage and end included."""


def token_of(place: str) -> str:
    """Name the agent of ours whose base URL leads to *place*."""
    return f"agt_{place}_" + "0123456789abcdef" * 4


def chat(model: str, *, is_streamed: bool = False, prompt_bytes: int = 200) -> bytes:
    """Make the body of a chat completion whose prompt is of about that size."""
    prompt = ("What will the weather in Lisbon be? " * (prompt_bytes // 36 + 1))[
        :prompt_bytes
    ]
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": prompt},
        ],
        "temperature": 0.7,
        "max_tokens": 200,
    }
    if is_streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()
