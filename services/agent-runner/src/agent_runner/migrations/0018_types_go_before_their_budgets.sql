-- A type may go before its budget in every version: one that knows nothing of budgets
-- that are given with types leaves them to whoever removes those of what is gone.
-- NOT VALID: the rows there are were judged by the constraint that this one replaces.
ALTER TABLE budget
    DROP CONSTRAINT budget_agent_type_id_fkey,
    ADD CONSTRAINT budget_agent_type_id_fkey
        FOREIGN KEY (agent_type_id) REFERENCES agent_type (id)
        ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
        NOT VALID;
