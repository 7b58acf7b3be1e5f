-- Tickets of jobs for mutexes of their project, in the order of asking: one holds it, others wait. A row
-- is there from the job's asking to the job's end, in the transactions of both.
CREATE TABLE mutex_tickets (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    job TEXT NOT NULL,
    project INTEGER NOT NULL REFERENCES projects (number),
    name TEXT NOT NULL,
    places INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held IN (0, 1)),
    CONSTRAINT mutex_tickets_job UNIQUE (run, job)
);
CREATE INDEX mutex_tickets_name ON mutex_tickets (project, name);
-- Nobody takes what another one has, whichever server decided so.
CREATE UNIQUE INDEX mutex_tickets_held ON mutex_tickets (project, name) WHERE held = 1;
