-- How quality rules judged runs, written in the transaction of the event that says so; a check that waits
-- for a gatekeeper is settled in the transaction that closes the gate (`node`).
CREATE TABLE quality_checks (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    pipeline INTEGER NOT NULL REFERENCES pipelines (number),
    run INTEGER NOT NULL REFERENCES runs (key),
    node TEXT NOT NULL,
    rule TEXT NOT NULL,
    result TEXT NOT NULL
        CHECK (result IN ('passed', 'failed', 'waiting', 'let-through', 'refused')),
    at INTEGER NOT NULL,
    answered_by TEXT NOT NULL DEFAULT '',
    answered_at INTEGER,
    doc TEXT NOT NULL
);
CREATE INDEX quality_checks_project ON quality_checks (project);
CREATE INDEX quality_checks_rule ON quality_checks (project, rule);
CREATE INDEX quality_checks_result ON quality_checks (project, result);
CREATE INDEX quality_checks_at ON quality_checks (project, at);
CREATE INDEX quality_checks_pipeline ON quality_checks (pipeline);
CREATE INDEX quality_checks_run ON quality_checks (run);
