-- The trace in which a message was sent, as W3C's traceparent, where it is collected.
ALTER TABLE message
    ADD COLUMN traceparent text CHECK (length(traceparent) = 55);
