"""What an agent said lately, from whichever runner hears it."""

from datetime import timedelta

from agent_runner.repositories.agents import agent as read_agent
from agent_runner.runtimes.runtime import Runtime
from shared.bus import Bus
from shared.contracts.agent_runner import (
    HOSTED_LOGS,
    Agent,
    AgentLogs,
    LogPosition,
    LogsQuestion,
)
from shared.database import Database

__all__ = ["LogReader"]


class LogReader:
    """Answers for every agent; *runner* is the one whose agents are heard here."""

    def __init__(
        self, *, database: Database, bus: Bus, runtime: Runtime, runner: str
    ) -> None:
        self._database = database
        self._bus = bus
        self._runtime = runtime
        self._runner = runner

    async def read(self, question: LogsQuestion) -> AgentLogs:
        """Read the last lines, masked, or those behind a position; wait if asked to.

        None for an agent that does not run, unless it did so here a while ago.
        """
        agent = await self._agent(question)
        if agent.runner is None or agent.runner == self._runner:
            return await self._read_here(question)
        return await self._bus.ask(HOSTED_LOGS.at(agent.runner), question)

    async def read_hosted(self, question: LogsQuestion) -> AgentLogs:
        """Answer another runner, which was asked for what is heard here."""
        await self._agent(question)
        return await self._read_here(question)

    async def _agent(self, question: LogsQuestion) -> Agent:
        async with self._database.organization(question.org_id) as transaction:
            return await read_agent(transaction, question.agent_id)

    async def _read_here(self, question: LogsQuestion) -> AgentLogs:
        output = self._runtime.output(question.agent_id)
        if output is None:
            return AgentLogs(lines=[])
        if not question.is_followed:
            return AgentLogs(lines=output.text().splitlines())
        after = question.after
        excerpt = await output.since(
            after.offset if after and after.output == output.id else 0,
            patience=timedelta(seconds=question.wait_seconds),
        )
        return AgentLogs(
            lines=list(excerpt.lines),
            position=LogPosition(output=output.id, offset=excerpt.end),
            has_skipped=excerpt.has_skipped,
        )
