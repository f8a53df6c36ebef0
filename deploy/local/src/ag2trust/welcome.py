"""What `ag2trust run` says once everything answers: where it is, what to type next."""

import asyncio
import shlex
import sys

from .dashboard import built_dashboard
from .installation import RunnerRuntime
from .keys import FirstKey
from .launch import Session
from .plan import Plan
from .screen import Screen

__all__ = ["first_steps", "welcome"]

_STEPS = """\
call() {{ curl -sS -H "X-API-Key: $KEY" -H "Content-Type: application/json" "$@"; }}
id() {{ grep -o '"id": *"[^"]*"' | head -n 1 | cut -d '"' -f 4; }}

# The sandbox stands in for OpenAI. If you have an account there, leave it out, and say
# BASE_URL=https://api.openai.com/v1 OPENAI_KEY=sk-... MODEL=gpt-4o-mini
{sandbox} &
BASE_URL=http://127.0.0.1:8091/v1 OPENAI_KEY=sk-any MODEL=sandbox-echo

PROVIDER=$(call $API/providers -d '{{"name": "openai", "type": "openai",
  "base_url": "'$BASE_URL'", "api_key": "'$OPENAI_KEY'"}}' | id)
TYPE=$(call $API/agent-types -d '{{"name": "Helper", "slug": "helper",
  "provider_id": "'$PROVIDER'", "model": "'$MODEL'"}}' | id)
AGENT=$(call $API/agents -d '{{"name": "helper-1",
  "agent_type_id": "'$TYPE'", "start": true}}' | id)
call $API/agents/$AGENT/messages -d '{{"content": "Hello! Who are you?"}}'
call $API/agents/$AGENT/stats"""


def welcome(screen: Screen) -> Session:
    """Return the session that says so and leaves the rest to the person."""

    async def session(plan: Plan, runtime: RunnerRuntime) -> None:
        screen.say(_where_everything_is(plan, runtime))
        if await plan.first_login.is_open(plan.gateway_url):
            screen.say(_first_login(plan))
        screen.say("Next, in another terminal:\n")
        screen.say(first_steps(plan))
        screen.say("\nCtrl-C stops everything; make run brings it back as it was.")
        await asyncio.Event().wait()

    return session


def first_steps(plan: Plan) -> str:
    """Return shell lines, from a first provider to a first answer and its cost."""
    return f"""\
API={plan.gateway_url}/api KEY={_key_in_shell(plan)}
{_STEPS.format(sandbox=f"{shlex.quote(sys.executable)} -m ag2trust_sandbox")}"""


def _where_everything_is(plan: Plan, runtime: RunnerRuntime) -> str:
    home = plan.home
    return f"""
Ag2Trust is ready.

  dashboard    {_dashboard(plan)}
  API          {plan.gateway_url}/api
  key          {_whose_key(plan)}
  agents run   {_how(runtime)}, and call models through {plan.proxy_url}
  state        {home.folder}
  back up      ag2trust backup FILE, and apart from it {home.keys}
  logs         {home.logs}
"""


def _first_login(plan: Plan) -> str:
    return f"""\
Nobody has come in yet. This link makes its first user the owner, once:

  {plan.first_login.link(plan.gateway_url)}
"""


def _dashboard(plan: Plan) -> str:
    return plan.gateway_url if built_dashboard() else "not built; make dashboard does"


def _whose_key(plan: Plan) -> str:
    match plan.first_key:
        case FirstKey(was_given_too_late=True):
            return (
                "the one of this home's first start; AG2TRUST_BOOTSTRAP_API_KEY "
                "counts only then"
            )
        case _ if plan.home.api_key.exists():
            return f"in {plan.home.api_key}"
        case _:
            return "the one you gave as AG2TRUST_BOOTSTRAP_API_KEY"


def _key_in_shell(plan: Plan) -> str:
    if plan.home.api_key.exists():
        return f"$(cat {shlex.quote(str(plan.home.api_key))})"
    return "$AG2TRUST_BOOTSTRAP_API_KEY"


def _how(runtime: RunnerRuntime) -> str:
    if runtime.agent_image:
        return f"in Docker containers of {runtime.agent_image}"
    return "as processes, isolated by nothing"
