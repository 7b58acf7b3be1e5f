-- Environments and their ledger, the software center, groups, hooks and what belongs to them.

-- 0 = no group of its own.
ALTER TABLE pipelines ADD COLUMN group_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pipelines ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
-- Instants stand in documents as 2026-11-22T04:00:00.123456Z, without a fraction that is 0. The whole
-- seconds are taken alone, because SQLite rounds a fraction to milliseconds.
UPDATE pipelines SET updated_at = (
    CAST(strftime('%s', substr(json_extract(doc, '$.updated_at'), 1, 19)) AS INTEGER) * 1000000
    + CASE substr(json_extract(doc, '$.updated_at'), 20, 1)
        WHEN '.' THEN CAST(substr(json_extract(doc, '$.updated_at'), 21, 6) AS INTEGER) ELSE 0 END
);
CREATE INDEX pipelines_group ON pipelines (project, group_number) WHERE deleted = 0;
-- A name is free in every other group; who wants it unique in the project looks before.
DROP INDEX pipelines_live_name;
CREATE UNIQUE INDEX pipelines_live_name ON pipelines (project, group_number, name)
    WHERE deleted = 0;

-- Names of sequences that nothing else keeps: a number is given once, also when its row is gone.
CREATE TABLE number_counters (
    kind TEXT NOT NULL PRIMARY KEY,
    given INTEGER NOT NULL
);
INSERT INTO number_counters (kind, given) VALUES ('store.templates', 999);

CREATE TABLE environments (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL CONSTRAINT environments_key UNIQUE,
    project INTEGER NOT NULL REFERENCES projects (number),
    revision INTEGER NOT NULL CHECK (revision > 0),
    live TEXT NOT NULL,
    gray TEXT NOT NULL,
    holder TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX environments_project ON environments (project, key);

-- Rows are never deleted; `number` orders the ledger of every environment.
CREATE TABLE deployments (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT deployments_id UNIQUE,
    environment INTEGER NOT NULL REFERENCES environments (number),
    run TEXT NOT NULL,
    outcome TEXT NOT NULL
        CHECK (outcome IN ('running', 'succeeded', 'failed', 'unreachable', 'cancelled')),
    doc TEXT NOT NULL
);
CREATE INDEX deployments_environment ON deployments (environment);
CREATE INDEX deployments_run ON deployments (run);
CREATE INDEX deployments_open ON deployments (outcome) WHERE outcome = 'running';

CREATE TABLE packages (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    namespace TEXT NOT NULL,
    repository TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT packages_place UNIQUE (project, namespace, repository, name)
);
CREATE INDEX packages_project ON packages (project);

CREATE TABLE package_versions (
    number INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES packages (number),
    version TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT package_versions_version UNIQUE (package, version)
);
CREATE INDEX package_versions_package ON package_versions (package);

CREATE TABLE package_files (
    number INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES package_versions (number),
    folder TEXT NOT NULL,
    filename TEXT NOT NULL,
    size INTEGER NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT package_files_place UNIQUE (version, folder, filename)
);
-- The number stands before the size: a version lists its files by it, and adds up without the table.
CREATE INDEX package_files_version ON package_files (version, number, size);

CREATE TABLE pipeline_groups (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT pipeline_groups_name UNIQUE (project, name)
);
CREATE INDEX pipeline_groups_project ON pipeline_groups (project);

CREATE TABLE group_grants (
    group_number INTEGER NOT NULL REFERENCES pipeline_groups (number),
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (group_number, name)
);

-- What a hook has latched stands beside its document, which a new definition replaces.
CREATE TABLE hooks (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('webhook', 'channel', 'code')),
    project INTEGER NOT NULL REFERENCES projects (number),
    pipeline INTEGER NOT NULL REFERENCES pipelines (number),
    stage TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    latched INTEGER NOT NULL CHECK (latched IN (0, 1)),
    brought TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX hooks_pipeline ON hooks (pipeline, stage, position, id);
CREATE INDEX hooks_channel ON hooks (project, name) WHERE kind = 'channel';

CREATE TABLE templates (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT templates_name UNIQUE (project, name)
);
CREATE INDEX templates_project ON templates (project);

CREATE TABLE access_keys (
    position INTEGER PRIMARY KEY,
    access TEXT NOT NULL CONSTRAINT access_keys_access UNIQUE,
    owner TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX access_keys_owner ON access_keys (owner);

CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    job TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX notes_job ON notes (run, job, attempt);
