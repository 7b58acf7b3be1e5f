-- Timers, hooks of code hosts and what they delivered, tokens of remote triggers. Pipelines stand
-- here by their ids: what starts them is stored before they have a number.
CREATE TABLE timers (
    pipeline TEXT NOT NULL,
    trigger_id TEXT NOT NULL,
    next_at INTEGER,
    revision INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (pipeline, trigger_id)
);
CREATE INDEX timers_due ON timers (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE listeners (
    pipeline TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hook TEXT NOT NULL,
    project TEXT NOT NULL,
    key TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'refused')),
    received_at INTEGER NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT deliveries_key UNIQUE (key, hook, project)
);
CREATE INDEX deliveries_hook ON deliveries (project, hook, number);
CREATE INDEX deliveries_open ON deliveries (number) WHERE state = 'open';
CREATE INDEX deliveries_age ON deliveries (received_at);

CREATE TABLE outcomes (
    delivery INTEGER NOT NULL REFERENCES deliveries (number),
    pipeline TEXT NOT NULL,
    position INTEGER PRIMARY KEY,
    doc TEXT NOT NULL,
    CONSTRAINT outcomes_pipeline UNIQUE (delivery, pipeline)
);

CREATE TABLE remote_tokens (
    pipeline TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL CONSTRAINT remote_tokens_digest UNIQUE,
    doc TEXT NOT NULL
);
