-- Secrets of projects; the values in their documents are encrypted.

CREATE TABLE secrets (
    project INTEGER NOT NULL REFERENCES projects (number),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (project, id)
) WITHOUT ROWID;
