-- How far the events were looked through to make traces: one row, or none if nobody wants any.
CREATE TABLE trace_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    events INTEGER NOT NULL
);
