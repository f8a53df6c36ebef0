"""Where the parts of the service meet. Read this first."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from shared.audit_pages import AuditPages
from shared.bus import Answer, NatsBus, answer, answer_ping, connect_bus
from shared.clock import utc_now
from shared.collecting import telling_of_spans
from shared.contracts import alerts as alerts_contract
from shared.contracts import metrics as contract
from shared.contracts import webhooks as webhooks_contract
from shared.contracts.base import Service
from shared.contracts.measurements import CREDENTIALS_MEASURED, RUNNER_MEASURED
from shared.database import Database, connect_database
from shared.identity import Identity
from shared.lifecycle import background, every
from shared.migrations import migrate

from .administration.alerts import Alerts
from .administration.price_list import PriceList
from .administration.repricing import Repricer
from .alerting.standing_watch import StandingWatch
from .alerting.telling import Teller
from .alerting.watch import Watch
from .counting.announcements import Announcer
from .counting.just_counted import JustCounted
from .counting.ledger import Ledger
from .counting.measurements import Measurements
from .counting.reports import Reports
from .counting.retention import Retention
from .measured import answering_prometheus
from .reading.calls import Calls
from .reading.tool_calls import ToolCalls
from .reading.usage import Usage
from .repositories import audit
from .repositories.alerts import PostgresAlerts
from .repositories.announcements import PostgresAnnouncements
from .repositories.calls import PostgresCalls
from .repositories.deliveries import PostgresDeliveries
from .repositories.delivery_bounds import PostgresDeliveryBounds
from .repositories.fresh_rollups import PostgresFolding
from .repositories.ledger import PostgresLedger
from .repositories.price_overrides import PostgresPriceOverrides
from .repositories.repricing import PostgresRepricing
from .repositories.retention import PostgresRetention
from .repositories.rollups import Turns
from .repositories.tool_calls import PostgresToolCalls
from .repositories.usage import PostgresUsage
from .repositories.watched_traffic import PostgresWatchedTraffic
from .repositories.webhooks import PostgresWebhooks
from .settings import Settings
from .webhooks.bounds import Bounds
from .webhooks.courier import couriers
from .webhooks.delivering import Deliverer
from .webhooks.destinations import Destinations
from .webhooks.leased_secrets import LeasedSecrets
from .webhooks.listening import Listener
from .webhooks.registration import Webhooks

__all__ = ["answers", "serving"]

_ANNOUNCE_EVERY = timedelta(seconds=1)
_FOLD_EVERY = timedelta(seconds=5)
_WATCH_EVERY = timedelta(seconds=10)
_DECLARE_EVENTS_EVERY = timedelta(seconds=5)
_KEEP_EVERY = timedelta(hours=1)
_REPRICE_EVERY = timedelta(seconds=1)
_DELIVER_EVERY = timedelta(seconds=1)
_LISTEN_EVERY = timedelta(milliseconds=200)
_MARGIN = timedelta(days=1)  # nobody reads what is about to be dropped


def answers(
    database: Database, settings: Settings, *, ledger: Ledger, repricer: Repricer
) -> Iterable[Answer]:
    """Every subject this service answers but those of `webhook_answers`."""
    alerts = Alerts(PostgresAlerts(database), now=utc_now)
    calls = Calls(PostgresCalls(database))
    tool_calls = ToolCalls(PostgresToolCalls(database))
    prices = PriceList(PostgresPriceOverrides(database), now=utc_now)
    usage = Usage(
        PostgresUsage(database),
        now=utc_now,
        minutes_kept=settings.minutes_kept - _MARGIN,
        calls_kept=settings.calls_kept - _MARGIN,
    )
    return (
        answer(contract.PING, answer_ping),
        answer(contract.INGEST, ledger.ingest),
        answer(contract.LIST_AUDIT, AuditPages(database, audit.entries).list),
        answer(contract.LIST_CALLS, calls.list_calls),
        answer(contract.GET_CALL, calls.get_call),
        answer(contract.LIST_TOOL_CALLS, tool_calls.list_tool_calls),
        answer(contract.GET_TOOL_CALL, tool_calls.get_tool_call),
        answer(contract.AGENT_STATS, usage.agent_stats),
        answer(contract.USAGE_SUMMARY, usage.summary),
        answer(contract.USAGE_BY, usage.by),
        answer(contract.USAGE_TIMELINE, usage.timeline),
        answer(contract.LIST_PRICES, prices.list_prices),
        answer(contract.GET_PRICE, prices.get_price),
        answer(contract.PUT_PRICE, prices.put_price),
        answer(contract.DELETE_PRICE, prices.delete_price),
        answer(contract.QUOTE_PRICE, prices.quote_price),
        answer(contract.QUOTE_PRICES, prices.quote_prices),
        answer(contract.REPRICE, repricer.reprice),
        answer(contract.GET_REPRICING, repricer.get_repricing),
        answer(alerts_contract.LIST_ALERTS, alerts.list_alerts),
        answer(alerts_contract.GET_ALERT, alerts.get_alert),
        answer(alerts_contract.SILENCE_ALERT, alerts.silence),
        answer(alerts_contract.LIST_ALERT_RULES, alerts.list_rules),
        answer(alerts_contract.UPDATE_ALERT_RULE, alerts.update_rule),
    )


def webhook_answers(webhooks: Webhooks) -> Iterable[Answer]:
    return (
        answer(webhooks_contract.LIST_WEBHOOKS, webhooks.list_webhooks),
        answer(webhooks_contract.GET_WEBHOOK, webhooks.get_webhook),
        answer(webhooks_contract.CREATE_WEBHOOK, webhooks.create_webhook),
        answer(webhooks_contract.UPDATE_WEBHOOK, webhooks.update_webhook),
        answer(webhooks_contract.DELETE_WEBHOOK, webhooks.delete_webhook),
        answer(webhooks_contract.TEST_WEBHOOK, webhooks.test_webhook),
        answer(webhooks_contract.LIST_DELIVERIES, webhooks.list_deliveries),
        answer(webhooks_contract.REPLAY_DELIVERIES, webhooks.replay),
    )


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    watch_every: timedelta = _WATCH_EVERY,
    fold_every: timedelta = _FOLD_EVERY,
) -> AsyncIterator[None]:
    """Assemble the service and hold it open; leaving undoes it in reverse.

    Faults are looked for *watch_every* so often, and sums of what was counted folded
    into those that are kept *fold_every*. The stream of events is declared beside the
    service, again and again: a slow or lost JetStream delays the events, never the
    counting.
    """
    identity = Identity.from_file(settings.identity_file)
    await migrate(settings, "metrics.migrations")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(telling_of_spans(Service.METRICS))
        database = await stack.enter_async_context(connect_database(settings))
        bus = await stack.enter_async_context(
            connect_bus(settings.nats_url, service=Service.METRICS, identity=identity)
        )
        turns = Turns()
        just_counted = JustCounted()
        reports = Reports(time.monotonic)
        measurements = Measurements(reports) if settings.prometheus_port else None
        ledger = Ledger(
            PostgresLedger(database, turns),
            just_counted,
            measure=measurements.count if measurements else None,
        )
        repricer = Repricer(PostgresRepricing(database, turns))
        folding = PostgresFolding(database, turns)
        announcer = Announcer(PostgresAnnouncements(database), bus, just_counted)
        retention = Retention(
            PostgresRetention(database),
            calls_kept=settings.calls_kept,
            minutes_kept=settings.minutes_kept,
        )
        declare_events = partial(bus.declare_events, replicas=settings.event_replicas)
        await retention.make_days()
        webhooks = await stack.enter_async_context(
            telling_webhooks(settings, database, bus, identity)
        )
        answered = (
            *answers(database, settings, ledger=ledger, repricer=repricer),
            *webhook_answers(webhooks),
        )
        await stack.enter_async_context(bus.serving(Service.METRICS, *answered))
        await stack.enter_async_context(
            background(
                bus.until_closed(),
                every(_DECLARE_EVENTS_EVERY, declare_events, name="declare_events"),
                every(_ANNOUNCE_EVERY, announcer.announce, name="announce"),
                every(fold_every, folding.fold, name="fold"),
                every(_KEEP_EVERY, retention.keep, name="keep"),
                every(_REPRICE_EVERY, repricer.work, name="reprice"),
            )
        )
        await stack.enter_async_context(alerting(database, bus, watch_every))
        if measurements:
            await stack.enter_async_context(
                telling_prometheus(settings, bus, measurements, reports)
            )
        yield


@asynccontextmanager
async def alerting(
    database: Database, bus: NatsBus, watch_every: timedelta
) -> AsyncIterator[None]:
    """Look for faults, and tell of alerts, while the block runs."""
    alerts, traffic = PostgresAlerts(database), PostgresWatchedTraffic(database)
    watch = Watch(traffic, alerts, now=utc_now)
    standing_watch = StandingWatch(alerts, bus, now=utc_now)
    teller = Teller(alerts, bus, now=utc_now)
    async with background(
        every(watch_every, watch.look, name="watch"),
        every(watch_every, standing_watch.look, name="standing_watch"),
        every(_ANNOUNCE_EVERY, teller.tell, name="tell"),
    ):
        yield


@asynccontextmanager
async def telling_prometheus(
    settings: Settings, bus: NatsBus, measurements: Measurements, reports: Reports
) -> AsyncIterator[None]:
    """Answer Prometheus, with what other services report, while the block runs."""
    assert settings.prometheus_port  # noqa: S101 - else there are no measurements
    async with (
        bus.hearing(CREDENTIALS_MEASURED, reports.credentials),
        bus.hearing(RUNNER_MEASURED, reports.runner),
        answering_prometheus(
            measurements,
            host=str(settings.prometheus_host),
            port=settings.prometheus_port,
        ),
    ):
        yield


@asynccontextmanager
async def telling_webhooks(
    settings: Settings, database: Database, bus: NatsBus, identity: Identity
) -> AsyncIterator[Webhooks]:
    """Tell webhooks of events while the block runs."""
    webhooks, deliveries = PostgresWebhooks(database), PostgresDeliveries(database)
    bounds = Bounds(PostgresDeliveryBounds(database))
    destinations = Destinations(settings.private_webhook_hosts)
    secrets = LeasedSecrets(
        bus=bus,
        identity=identity,
        credentials=settings.credentials_identity,
        now=utc_now,
    )
    async with (
        couriers(destinations, now=utc_now) as courier,
        bus.taking_events(webhooks_contract.WEBHOOKS_CONSUMER) as feed,
    ):
        deliverer = Deliverer(deliveries, secrets, courier, now=utc_now)
        listener = Listener(webhooks, deliveries, feed, wakes=deliverer.woken)
        registration = Webhooks(
            webhooks,
            deliveries,
            bus=bus,
            destinations=destinations,
            secrets=secrets,
            listener=listener,
            deliverer=deliverer,
            now=utc_now,
        )
        async with (
            deliverer.working(),
            background(
                every(_LISTEN_EVERY, listener.listen, name="listen"),
                every(
                    _DELIVER_EVERY,
                    deliverer.look,
                    name="deliver",
                    woken=deliverer.woken,
                ),
                every(_KEEP_EVERY, registration.forget_leases, name="forget_leases"),
                every(_KEEP_EVERY, bounds.drop_old, name="drop_deliveries"),
                every(
                    _KEEP_EVERY, bounds.disable_overflowing, name="disable_overflowing"
                ),
            ),
        ):
            yield registration
