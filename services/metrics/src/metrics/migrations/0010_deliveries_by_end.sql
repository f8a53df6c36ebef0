-- Deliveries that ended are dropped by how they ended: those that failed are kept longer,
-- and must not be looked through whenever delivered ones are.

DROP INDEX delivery_done;
CREATE INDEX delivery_ended ON delivery (status, created_at) WHERE status <> 'pending';
