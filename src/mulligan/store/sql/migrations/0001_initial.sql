-- Everything Mulligan keeps. Written for SQLite; dialects.py says what PostgreSQL reads differently.
--
-- `doc` holds a value of the core as JSON. Other columns repeat what is filtered, sorted, unique or
-- conditional. Instants are microseconds since 1970-01-01 UTC. Rows of a run refer to `runs.key`, a
-- small number that ascends with time: rows of live runs then lie together in every index. Every
-- index of SQLite ends with the row's own number (key, id, seq), so that none names it.

CREATE TABLE projects (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT projects_id UNIQUE,
    name TEXT NOT NULL CONSTRAINT projects_name UNIQUE,
    doc TEXT NOT NULL
);

CREATE TABLE pipelines (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT pipelines_id UNIQUE,
    project INTEGER NOT NULL REFERENCES projects (number),
    name TEXT NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    doc TEXT NOT NULL
);
CREATE UNIQUE INDEX pipelines_live_name ON pipelines (project, name) WHERE deleted = 0;
CREATE INDEX pipelines_live ON pipelines (project) WHERE deleted = 0;

CREATE TABLE pipeline_versions (
    pipeline INTEGER NOT NULL REFERENCES pipelines (number),
    version INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (pipeline, version)
);

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE members (
    project INTEGER NOT NULL REFERENCES projects (number),
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (project, name)
);
CREATE INDEX members_name ON members (name);

CREATE TABLE tokens (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT tokens_id UNIQUE,
    digest TEXT NOT NULL CONSTRAINT tokens_digest UNIQUE,
    owner TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX tokens_owner ON tokens (owner);

CREATE TABLE apps (
    code TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE receipts (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    content_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX audit_project ON audit (project);

-- The columns of a run that lists filter and sort by, and those that move with every event; the
-- rest of the head is in run_docs, which is written only when it changes.
CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    project INTEGER NOT NULL REFERENCES projects (number),
    pipeline INTEGER NOT NULL REFERENCES pipelines (number),
    version INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    revision INTEGER NOT NULL CHECK (revision > 0),
    stage INTEGER NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
    cause TEXT NOT NULL,
    start_kind TEXT NOT NULL,
    started_by TEXT NOT NULL,
    message TEXT NOT NULL,
    remark TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    updated_at INTEGER NOT NULL,
    CHECK ((ended_at IS NULL) = (status IN ('queued', 'running')))
);
CREATE UNIQUE INDEX runs_id ON runs (id);
-- For each filter of run lists one index per scope: the scope, the filter, the order of the list. The
-- indexes of times and texts hold the order too, so that they are read without the table.
CREATE UNIQUE INDEX runs_pipeline_number ON runs (pipeline, number);
CREATE INDEX runs_pipeline_status ON runs (pipeline, status, number);
CREATE INDEX runs_pipeline_cause ON runs (pipeline, cause, number) WHERE cause <> '';
CREATE INDEX runs_pipeline_start_kind ON runs (pipeline, start_kind, number);
CREATE INDEX runs_pipeline_started_by ON runs (pipeline, started_by, number);
CREATE INDEX runs_pipeline_queued_at ON runs (pipeline, queued_at, number);
CREATE INDEX runs_pipeline_started_at ON runs (pipeline, started_at, number);
CREATE INDEX runs_pipeline_ended_at ON runs (pipeline, ended_at, number);
CREATE INDEX runs_pipeline_updated_at ON runs (pipeline, updated_at) WHERE ended_at IS NOT NULL;
CREATE INDEX runs_pipeline_remark ON runs (pipeline, number, remark) WHERE remark <> '';
CREATE INDEX runs_pipeline_message ON runs (pipeline, number, message) WHERE message <> '';
CREATE INDEX runs_project_queued_at ON runs (project, queued_at);
CREATE INDEX runs_project_status ON runs (project, status, queued_at);
CREATE INDEX runs_project_cause ON runs (project, cause, queued_at) WHERE cause <> '';
CREATE INDEX runs_project_start_kind ON runs (project, start_kind, queued_at);
CREATE INDEX runs_project_started_by ON runs (project, started_by, queued_at);
CREATE INDEX runs_project_started_at ON runs (project, started_at, queued_at);
CREATE INDEX runs_project_ended_at ON runs (project, ended_at, queued_at);
CREATE INDEX runs_project_updated_at ON runs (project, updated_at) WHERE ended_at IS NOT NULL;
CREATE INDEX runs_project_remark ON runs (project, queued_at, remark) WHERE remark <> '';
CREATE INDEX runs_project_message ON runs (project, queued_at, message) WHERE message <> '';
CREATE INDEX runs_queued_at ON runs (queued_at);
CREATE INDEX runs_unfinished ON runs (queued_at) WHERE status IN ('queued', 'running');

CREATE TABLE run_docs (
    run INTEGER PRIMARY KEY REFERENCES runs (key),
    doc TEXT NOT NULL
);

-- RunHead.failed_steps, in order of `id`: a list that would be long to write again for each failure.
CREATE TABLE failed_steps (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    step TEXT NOT NULL,
    UNIQUE (run, step)
);

-- Records of nodes, one row per attempt; `latest` marks the newest attempt of a node. It stands in the
-- middle of the unique key so that one index also finds what a snapshot is made of.
CREATE TABLE stages (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    node TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    latest INTEGER NOT NULL CHECK (latest IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
    doc TEXT NOT NULL,
    UNIQUE (run, latest, node, attempt)
);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    node TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    latest INTEGER NOT NULL CHECK (latest IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
    held INTEGER NOT NULL CHECK (held = 0 OR (held = 1 AND status = 'running')),
    doc TEXT NOT NULL,
    UNIQUE (run, latest, node, attempt)
);
CREATE INDEX jobs_held ON jobs (run) WHERE held = 1;

CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    node TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    latest INTEGER NOT NULL CHECK (latest IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
    doc TEXT NOT NULL,
    UNIQUE (run, latest, node, attempt)
);

CREATE TABLE gates (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    node TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    latest INTEGER NOT NULL CHECK (latest IN (0, 1)),
    status TEXT NOT NULL CHECK (status IN ('open', 'approved', 'rejected')),
    doc TEXT NOT NULL,
    UNIQUE (run, latest, node, attempt)
);

-- Values of variables in the order of writing; withdrawn ones stay for the record.
CREATE TABLE writes (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    writer TEXT NOT NULL,
    withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    doc TEXT NOT NULL
);
CREATE INDEX writes_valid ON writes (run, writer) WHERE withdrawn = 0;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    project INTEGER NOT NULL,
    pipeline INTEGER NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    doc TEXT NOT NULL
);
CREATE INDEX events_run ON events (run);
CREATE INDEX events_project ON events (project);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    doc TEXT NOT NULL,
    UNIQUE (run, kind, key)
);

CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    step TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    path TEXT NOT NULL,
    doc TEXT NOT NULL,
    UNIQUE (run, step, attempt, path)
);
