-- Several runners: who is alive, who has room, and which agents wait for a host.

ALTER TABLE runner
    -- Grows with every renewal: who sees it stand still for long enough may take over.
    ADD COLUMN renewals    bigint NOT NULL DEFAULT 0,
    ADD COLUMN runtime     text NOT NULL DEFAULT 'docker',
    ADD COLUMN capacity    integer NOT NULL DEFAULT 50 CHECK (capacity > 0),
    ADD COLUMN labels      jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN is_draining boolean NOT NULL DEFAULT false,
    ADD COLUMN started_at  timestamptz NOT NULL DEFAULT clock_timestamp();

-- What a version asks of its runner; no runtime: whichever the runner has.
ALTER TABLE agent_type_version
    ADD COLUMN runner_labels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN runtime       text CHECK (runtime IN ('docker', 'process', 'external'));

-- An agent that is to run may wait for a runner.
ALTER TABLE agent DROP CONSTRAINT agent_check;
ALTER TABLE agent ADD CHECK ((runner IS NULL) = (epoch IS NULL));

CREATE INDEX agent_without_runner ON agent (id)
    WHERE runner IS NULL AND desired_state = 'running';
