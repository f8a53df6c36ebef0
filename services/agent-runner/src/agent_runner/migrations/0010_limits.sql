-- What may be used, what runners have taken of it, and the clock that all of it goes by.

-- Corrections of the database's clock: who sees it jump writes by how much.
CREATE TABLE limit_clock (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    step    interval NOT NULL,
    version bigint NOT NULL
);
INSERT INTO limit_clock (step, version) VALUES ('0', 0);

-- One limit in force: over any minute, held at once, or over a period that ends.
-- What was used in a period is in `settled` once its share is gone.
CREATE TABLE limit_window (
    key         text PRIMARY KEY,
    org_id      uuid NOT NULL,
    span        text NOT NULL CHECK (span IN ('minute', 'held', 'period')),
    amount      bigint,
    version     bigint NOT NULL,
    settled     bigint NOT NULL DEFAULT 0,
    told        integer NOT NULL DEFAULT 0,
    ends_at     timestamptz,
    used_at     timestamptz NOT NULL
);
CREATE INDEX limit_window_org ON limit_window (org_id, key);
CREATE INDEX limit_window_unused ON limit_window (used_at);

-- What a runner has taken; of a period it counts until it is settled.
CREATE TABLE limit_share (
    id           uuid PRIMARY KEY,
    key          text NOT NULL REFERENCES limit_window (key) ON DELETE CASCADE,
    org_id       uuid NOT NULL,
    span         text NOT NULL,
    runner       text NOT NULL,
    epoch        bigint NOT NULL,
    units        bigint NOT NULL CHECK (units >= 0),
    granted_at   timestamptz NOT NULL,
    counts_until timestamptz NOT NULL
);
CREATE INDEX limit_share_key ON limit_share (key, counts_until);
CREATE INDEX limit_share_lasting ON limit_share (runner) WHERE span <> 'minute';

ALTER TABLE limit_window ENABLE ROW LEVEL SECURITY;
ALTER TABLE limit_window FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON limit_window TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON limit_window TO agent_runner_sweep
    USING (true) WITH CHECK (true);

ALTER TABLE limit_share ENABLE ROW LEVEL SECURITY;
ALTER TABLE limit_share FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON limit_share TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON limit_share TO agent_runner_sweep
    USING (true) WITH CHECK (true);

CREATE FUNCTION database_time() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

-- The database's clock as if it had never been set.
CREATE FUNCTION steady_time() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT database_time() - step FROM limit_clock';

CREATE FUNCTION microseconds(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE AS 'SELECT (extract(epoch FROM moment) * 1000000)::bigint';

-- Settle what a runner has used of its shares, and lease it new ones: all its limits in
-- one statement, so that no runner holds a lock while it is stopped. In a function every
-- query sees what was committed before it; the locks on windows make that enough.
CREATE FUNCTION exchange_shares(asked jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    me     text := asked->>'runner';
    in_epoch bigint := (asked->>'epoch')::bigint;
    clock  bigint;
    at     timestamptz;
    want   record;
    limited record;
    used   bigint;
    room   bigint;
    given  bigint;
    frees  jsonb;
    told   jsonb := '[]';
BEGIN
    PERFORM 1
    FROM limit_window
    WHERE key IN (
        SELECT value->>'key'
        FROM jsonb_array_elements((asked->'wanted') || (asked->'settled'))
    )
    ORDER BY key
    FOR UPDATE;

    INSERT INTO limit_window AS w (key, org_id, span, amount, version, ends_at, used_at)
    SELECT key, org_id, span, amount, version, ends_at, database_time()
    FROM jsonb_to_recordset(asked->'wanted') AS n (
        key text, org_id uuid, span text, amount bigint, version bigint,
        ends_at timestamptz
    )
    ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET amount = CASE WHEN w.version < EXCLUDED.version THEN EXCLUDED.amount
            ELSE w.amount END,
        told = CASE WHEN w.version < EXCLUDED.version THEN 0 ELSE w.told END,
        version = GREATEST(w.version, EXCLUDED.version),
        used_at = EXCLUDED.used_at
    WHERE w.version < EXCLUDED.version OR w.used_at < EXCLUDED.used_at - interval '1 h';

    -- After the locks: whoever comes later reads a later time.
    SELECT version, database_time() - step INTO clock, at FROM limit_clock;

    WITH ended AS (
        DELETE FROM limit_share s
        USING jsonb_to_recordset(asked->'settled') AS g (
            id uuid, units bigint, is_final boolean
        )
        WHERE s.id = g.id AND s.runner = me AND (g.is_final OR g.units = 0)
        RETURNING s.key, g.units
    )
    UPDATE limit_window w
    SET settled = w.settled + e.units
    FROM (SELECT key, sum(units)::bigint AS units FROM ended GROUP BY key) e
    WHERE w.key = e.key AND w.span = 'period';

    UPDATE limit_share s
    SET units = g.units,
        counts_until = CASE s.span
            WHEN 'minute' THEN s.granted_at + interval '1 min' + g.used_after
            ELSE s.counts_until END
    FROM jsonb_to_recordset(asked->'settled') AS g (
        id uuid, units bigint, used_after interval
    )
    WHERE s.id = g.id AND s.runner = me AND g.units > 0;

    IF (asked->>'renews')::boolean THEN
        UPDATE limit_share
        SET counts_until = at + interval '30 s'
        WHERE runner = me AND epoch = in_epoch AND span = 'held';
    END IF;

    -- Only what has ended by a time that the runner has found to be right.
    IF clock = (asked->>'clock')::bigint THEN
        DELETE FROM limit_share
        WHERE span <> 'period'
          AND counts_until <= to_timestamp((asked->>'known_time')::float8 / 1000000)
          AND key IN (SELECT value->>'key' FROM jsonb_array_elements(asked->'wanted'));
    END IF;

    FOR want IN
        SELECT *
        FROM jsonb_to_recordset(asked->'wanted') AS n (
            id uuid, key text, org_id uuid, span text, units bigint, extra bigint
        )
    LOOP
        SELECT amount, settled, w.told INTO limited
        FROM limit_window w
        WHERE key = want.key;

        SELECT COALESCE(sum(units), 0)::bigint + limited.settled INTO used
        FROM limit_share
        WHERE key = want.key AND (span = 'period' OR counts_until > at);

        room := COALESCE(limited.amount - used, want.units + want.extra * 16);
        given := GREATEST(0, LEAST(want.units, room));
        IF given = want.units THEN
            given := given + LEAST(want.extra, (room - given) / 16);
        END IF;
        IF given > 0 THEN
            INSERT INTO limit_share (
                id, key, org_id, span, runner, epoch, units, granted_at, counts_until
            )
            VALUES (
                want.id, want.key, want.org_id, want.span, me, in_epoch, given, at,
                at + CASE want.span
                    WHEN 'minute' THEN interval '65 s'
                    WHEN 'held' THEN interval '30 s'
                    ELSE interval '0' END
            );
        END IF;

        frees := '[]';
        IF given < want.units AND want.span = 'minute' THEN
            SELECT jsonb_agg(jsonb_build_array(until, units) ORDER BY until) INTO frees
            FROM (
                SELECT microseconds(max(counts_until)) - microseconds(at) AS until,
                       sum(units) AS units
                FROM limit_share
                WHERE key = want.key AND counts_until > at AND units > 0
                GROUP BY date_trunc('second', counts_until)
            ) f;
        END IF;
        told := told || jsonb_build_object(
            'id', want.id, 'key', want.key, 'wished', want.units, 'granted', given,
            'amount', limited.amount, 'used', used + given, 'told', limited.told,
            'frees', COALESCE(frees, '[]')
        );
    END LOOP;

    RETURN jsonb_build_object(
        'clock', clock,
        'time', microseconds(at),
        'wall', microseconds(database_time()),
        'windows', told
    );
END
$$;

-- What may be spent in a day or month; `amount` in tokens or nanodollars.
CREATE TABLE budget (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL,
    name            text NOT NULL,
    scope_kind      text NOT NULL
        CHECK (scope_kind IN ('organization', 'agent_type', 'agent', 'provider')),
    scope_id        uuid,
    is_in_dollars   boolean NOT NULL,
    amount          bigint NOT NULL CHECK (amount >= 0),
    period          text NOT NULL CHECK (period IN ('day', 'month')),
    time_zone       text NOT NULL,
    mode            text NOT NULL CHECK (mode IN ('hard', 'warn')),
    warn_at_percent integer NOT NULL CHECK (warn_at_percent BETWEEN 1 AND 100),
    version         integer NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT budget_name_unique UNIQUE (org_id, name),
    CHECK ((scope_id IS NULL) = (scope_kind = 'organization'))
);

ALTER TABLE budget ENABLE ROW LEVEL SECURITY;
ALTER TABLE budget FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON budget TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON budget TO agent_runner_sweep USING (true) WITH CHECK (true);
