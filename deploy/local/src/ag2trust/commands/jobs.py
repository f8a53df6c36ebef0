"""`ag2trust jobs`: what takes long, and how far it is."""

import asyncio
from uuid import UUID

import click

from ag2trust_client import Client
from ag2trust_client.models import Job, Repricing, Rewrap

from .calling import calling
from .formats import dollars, moment, number
from .output import as_json, progress, show

__all__ = ["jobs"]

_LOOK_AGAIN_SECONDS = 0.5


@click.group()
def jobs() -> None:
    """See how far is what takes long."""


@jobs.command("show")
@click.argument("job_id", type=click.UUID)
@click.option("--wait", is_flag=True, help="Wait until it has ended.")
@as_json
@calling
async def show_job(client: Client, *, job_id: UUID, wait: bool, is_json: bool) -> None:
    """Show how far a job is; exit with 1 if it failed."""
    job = await client.get_job(job_id)
    with progress() as tell:
        while wait and job.status == "running":
            tell(_how_far(job))
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            job = await client.get_job(job_id)
    show(job, _facts(job), is_json=is_json)
    if job.status == "failed":
        raise click.exceptions.Exit(1)


def _how_far(job: Job | Rewrap | Repricing) -> str:
    match job:
        case Job():
            return _steps(job)
        case Rewrap():
            return f"{job.rewrapped:,} of {job.total:,} data keys"
        case Repricing():
            return "Pricing calls anew"


def _facts(job: Job | Rewrap | Repricing) -> list[tuple[str, str]]:
    common = [("job", str(job.id)), ("what", job.kind), ("status", job.status)]
    match job:
        case Job():
            return [
                *common,
                ("started", moment(job.started_at)),
                ("ended", moment(job.finished_at)),
                ("done", _steps(job)),
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


def _steps(job: Job) -> str:
    done = sum(step.finished_at is not None for step in job.steps)
    return f"{done} of {len(job.steps)} steps"
