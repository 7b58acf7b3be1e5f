-- Counts over all runs, added to in the transaction of what they count: reading them costs the same
-- however many runs there are, and they never go down. `label` holds words separated by spaces.
CREATE TABLE tallies (
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (name, label)
) WITHOUT ROWID;
INSERT INTO tallies (name, label, value)
SELECT 'runs_ended', status, COUNT(*) FROM runs WHERE ended_at IS NOT NULL GROUP BY status;
