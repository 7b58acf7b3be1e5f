CREATE TABLE plugins (
    position INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    version TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT plugins_version UNIQUE (code, version)
);

CREATE TABLE step_records (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    step TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT step_records_name UNIQUE (run, kind, step, attempt, name)
);
