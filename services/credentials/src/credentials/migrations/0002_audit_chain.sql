-- The audit of each organization becomes a hash chain (shared/audit_chain.py says what
-- a hash covers); what was written before becomes its beginning, in order of time.

ALTER TABLE audit
    ADD COLUMN position      bigint,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN hash          bytea;

-- Where each chain ends. Whoever adds an entry locks the row: entries come one by one.
CREATE TABLE audit_head (
    org_id   uuid PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- Forced row-level security holds the owner too, and no policy lets it see a row.
ALTER TABLE audit NO FORCE ROW LEVEL SECURITY;

CREATE FUNCTION audit_part(value bytea) RETURNS bytea LANGUAGE sql
    AS $$ SELECT int4send(octet_length(value)) || value $$;
CREATE FUNCTION audit_part(value text) RETURNS bytea LANGUAGE sql
    AS $$ SELECT audit_part(convert_to(value, 'UTF8')) $$;

DO $$
DECLARE
    entry    audit;
    previous audit_head;
BEGIN
    FOR entry IN SELECT * FROM audit ORDER BY org_id, at, id LOOP
        IF previous.org_id IS DISTINCT FROM entry.org_id THEN
            previous := (entry.org_id, 0, decode(repeat('00', 32), 'hex'));
        END IF;
        entry.position := previous.position + 1;
        entry.previous_hash := previous.hash;
        entry.hash := sha256(
            audit_part('ag2trust.v1.audit/credentials')
            || audit_part(entry.previous_hash)
            || audit_part(entry.position::text)
            || audit_part(entry.org_id::text)
            || audit_part(entry.id::text)
            || audit_part((extract(epoch FROM entry.at) * 1000000)::bigint::text)
            || audit_part(entry.actor_kind)
            || audit_part(entry.actor_id)
            || audit_part(entry.act)
            || audit_part(entry.object_kind)
            || audit_part(entry.object_id::text)
            || audit_part(entry.details::text)
            || COALESCE(audit_part(entry.request_id), '')
        );
        UPDATE audit
        SET position = entry.position,
            previous_hash = entry.previous_hash,
            hash = entry.hash
        WHERE org_id = entry.org_id AND id = entry.id;
        INSERT INTO audit_head (org_id, position, hash)
        VALUES (entry.org_id, entry.position, entry.hash)
        ON CONFLICT (org_id) DO UPDATE
        SET position = excluded.position,
            hash = excluded.hash
        RETURNING * INTO previous;
    END LOOP;
END $$;

DROP FUNCTION audit_part(text);
DROP FUNCTION audit_part(bytea);

ALTER TABLE audit FORCE ROW LEVEL SECURITY;

ALTER TABLE audit
    ALTER COLUMN at DROP DEFAULT,
    ALTER COLUMN position SET NOT NULL,
    ALTER COLUMN previous_hash SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL,
    ADD CONSTRAINT audit_position_unique UNIQUE (org_id, position);

REVOKE DELETE ON audit_head FROM credentials, credentials_sweep;

ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_head FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON audit_head TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON audit_head TO credentials_sweep USING (true) WITH CHECK (true);
