-- A budget that was given with an agent type: the type has no other, and neither outlives
-- the other. Judged at the end of a transaction, in which a type goes before its budgets.
ALTER TABLE budget
    ADD COLUMN agent_type_id uuid
        CONSTRAINT budget_agent_type_unique UNIQUE
        REFERENCES agent_type (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT budget_scope_is_its_agent_type CHECK (
        agent_type_id IS NULL
        OR (scope_kind = 'agent_type' AND scope_id = agent_type_id)
    );
