"""What an agent said lately, from the runtime that hears it."""

from agent_runner.repositories.agents import agent as read_agent
from agent_runner.runtimes.runtime import Runtime
from shared.contracts.agent_runner import AgentLogs, AgentQuestion
from shared.database import Database

__all__ = ["LogReader"]


class LogReader:
    def __init__(self, *, database: Database, runtime: Runtime) -> None:
        self._database = database
        self._runtime = runtime

    async def read(self, question: AgentQuestion) -> AgentLogs:
        """Read the last lines, masked; none for an agent that does not run here."""
        async with self._database.organization(question.org_id) as transaction:
            agent = await read_agent(transaction, question.agent_id)
        tail = await self._runtime.tail(agent.id)
        return AgentLogs(lines=tail.splitlines())
