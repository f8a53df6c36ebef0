"""`ag2trust jobs`: what takes long, and how far it is."""

import asyncio
from uuid import UUID

import click

from ag2trust_client import Client, every
from ag2trust_client.models import (
    AgentProgress,
    Job,
    JobAgent,
    JobStep,
    Repricing,
    Rewrap,
)

from .calling import calling
from .formats import NOTHING, dollars, moment, number
from .naming import Names, names_of
from .output import as_json, progress, say_table, show, show_all
from .tables import Column, facts

__all__ = ["follow", "jobs"]

AnyJob = Job | Rewrap | Repricing

_LOOK_AGAIN_SECONDS = 0.5
_STEPS = [
    Column[JobStep]("step", lambda it: it.name),
    Column[JobStep]("status", lambda it: it.status),
    Column[JobStep]("retried", lambda it: number(it.attempts), right=True),
    Column[JobStep]("ended", lambda it: moment(it.finished_at)),
]


@click.group()
def jobs() -> None:
    """See what takes long: rotations, restarts, repricings."""


@jobs.command("list")
@as_json
@calling
async def list_jobs(client: Client, *, is_json: bool) -> None:
    """List rotations and restarts, newest first."""
    found = [each async for each in every(client.list_jobs)]
    names = await names_of(client, "providers", "agent_types") if found else Names({})
    show_all(found, _columns(names), is_json=is_json, if_none="There are no jobs.")


@jobs.command("show")
@click.argument("job_id", type=click.UUID)
@click.option("--wait", is_flag=True, help="Wait until it has ended.")
@as_json
@calling
async def show_job(client: Client, *, job_id: UUID, wait: bool, is_json: bool) -> None:
    """Show how far a job is; exit with 1 if it failed."""
    job = await client.get_job(job_id)
    if wait:
        await follow(client, job, is_json=is_json)
    else:
        _tell(job, is_json=is_json)


def _columns(names: Names) -> list[Column[Job]]:
    return [
        Column("started", lambda it: moment(it.started_at)),
        Column("what", lambda it: it.kind),
        Column("of", lambda it: _subject(it, names)),
        Column("status", lambda it: it.status),
        Column("ended", lambda it: moment(it.finished_at)),
        Column("job", lambda it: str(it.id)),
    ]


def _subject(job: Job, names: Names) -> str:
    """Say what a job is about: `helper`, `old`, or `old → new` if agents move."""
    about = (job.provider_id, job.to_provider_id, job.agent_type_id)
    return " → ".join(names.of(each) for each in about if each) or NOTHING


async def follow(client: Client, job: AnyJob, *, is_json: bool) -> None:
    """Wait until a job has ended, and tell how."""
    with progress() as tell:
        while job.status == "running":
            tell(_how_far(job))
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            job = await client.get_job(job.id)
    _tell(job, is_json=is_json)


def _tell(job: AnyJob, *, is_json: bool) -> None:
    show(job, _facts(job), is_json=is_json)
    if isinstance(job, Job) and not is_json:
        click.echo()
        say_table(_STEPS, job.steps)
        if skipped := [*map(_reason, _agents(job, "skipped"))]:
            click.echo(f"\nSkipped, and still as they were:\n{facts(skipped)}")
    if job.status in {"failed", "rolled_back"}:
        raise click.exceptions.Exit(1)


def _how_far(job: AnyJob) -> str:
    match job:
        case Job():
            ended = sum(each.finished_at is not None for each in job.steps)
            steps = f"{job.kind}: {ended} of {len(job.steps)} steps"
            return f"{steps}, agents: {_restarted(job)}" if job.agents else steps
        case Rewrap():
            return f"{job.rewrapped:,} of {job.total:,} data keys"
        case Repricing():
            return "Pricing calls anew"


def _facts(job: AnyJob) -> list[tuple[str, str]]:
    common = [("job", str(job.id)), ("what", job.kind), ("status", job.status)]
    match job:
        case Job(explanation=why):
            return [
                *common,
                ("started", moment(job.started_at)),
                ("ended", moment(job.finished_at)),
                *([("agents", _restarted(job))] if job.agents else []),
                *([("why", why.message), ("fix", why.fix)] if why else []),
            ]
        case Rewrap():
            return [
                *common,
                ("started", moment(job.started_at)),
                ("ended", moment(job.finished_at)),
                ("data keys", f"{job.rewrapped:,} of {job.total:,}"),
                ("unreadable", number(job.unreadable)),
                ("master key", job.master_key_id),
            ]
        case Repricing():
            return [
                *common,
                ("started", moment(job.requested_at)),
                ("ended", moment(job.finished_at)),
                ("calls examined", number(job.calls_examined)),
                ("calls changed", number(job.calls_changed)),
                ("cost before", dollars(job.cost_usd_before)),
                ("cost after", dollars(job.cost_usd_after)),
            ]


def _restarted(job: Job) -> str:
    """Say how far its agents are: `9 of 14 restarted, 1 skipped`."""
    restarted, skipped = _agents(job, "restarted"), _agents(job, "skipped")
    told = f"{len(restarted):,} of {len(job.agents or ()):,} restarted"
    return f"{told}, {len(skipped):,} skipped" if skipped else told


def _reason(agent: JobAgent) -> tuple[str, str]:
    why = agent.explanation
    return agent.name, f"{why.message}\n{why.fix}" if why else NOTHING


def _agents(job: Job, progress: AgentProgress) -> list[JobAgent]:
    return [each for each in job.agents or () if each.progress == progress]
