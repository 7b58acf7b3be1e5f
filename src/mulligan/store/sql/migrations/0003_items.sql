-- Labels, views, drafts, templates, environments: what people keep in a project, one row each. The
-- columns of the unique constraints begin with the one that names what is taken.
CREATE TABLE items (
    number INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (number),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT items_id UNIQUE (id, kind, project),
    CONSTRAINT items_name UNIQUE (name, parent, kind, project)
);
CREATE INDEX items_kind ON items (project, kind, parent);

-- Who did what to one pipeline, without reading the trail of its whole project.
ALTER TABLE audit ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN actor TEXT NOT NULL DEFAULT '';
UPDATE audit SET target = COALESCE(json_extract(doc, '$.target'), ''),
    actor = json_extract(doc, '$.actor');
CREATE INDEX audit_target ON audit (project, target);
