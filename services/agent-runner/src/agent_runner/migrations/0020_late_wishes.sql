-- A wish that comes when its runner has given it up, as after a break of the network, is
-- not granted: the runner has told already that it uses nothing of it, and nobody would
-- tell again. Of calls at once such a share would count as long as the runner has others.

CREATE OR REPLACE FUNCTION exchange_shares(asked jsonb) RETURNS jsonb
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

    IF clock = (asked->>'clock')::bigint
        AND microseconds(at) > (asked->>'not_after')::bigint
    THEN
        asked := jsonb_set(asked, '{wanted}', '[]');
    END IF;

    WITH ended AS (
        DELETE FROM limit_share s
        USING jsonb_to_recordset(asked->'settled') AS g (
            id uuid, units bigint, is_final boolean
        )
        WHERE s.id = g.id AND s.runner = me AND (g.is_final OR g.units = 0)
        RETURNING s.key, g.units
    )
    UPDATE limit_window w
    SET settled = units_of(w.settled + e.units)
    FROM (SELECT key, sum(units) AS units FROM ended GROUP BY key) e
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

        SELECT units_of(COALESCE(sum(units), 0) + limited.settled) INTO used
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
