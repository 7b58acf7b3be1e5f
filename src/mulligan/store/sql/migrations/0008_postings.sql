-- Messages that leave the server, and how far its news were looked through to make them.

CREATE TABLE postings (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX postings_project ON postings (project, kind);
CREATE INDEX postings_waiting ON postings (number) WHERE state = 'waiting';

-- One row. What happened before there were postings is told to nobody.
CREATE TABLE news_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    events INTEGER NOT NULL,
    audit INTEGER NOT NULL
);
INSERT INTO news_cursor (one, events, audit) VALUES (
    1,
    COALESCE((SELECT max(seq) FROM events), 0),
    COALESCE((SELECT max(id) FROM audit), 0)
);
