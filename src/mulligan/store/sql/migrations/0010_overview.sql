-- What run lists filter by besides: the branch whose event started a run, and whether it was recovered:
-- it succeeded after something of it had failed.
ALTER TABLE runs ADD COLUMN branch TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0 CHECK (recovered IN (0, 1));
UPDATE runs SET branch = COALESCE(
    (SELECT json_extract(doc, '$.origin.branch') FROM run_docs WHERE run_docs.run = runs.key), ''
);
-- An attempt that follows a failed or cancelled one is a retry or skip, or a rollback.
UPDATE runs SET recovered = 1 WHERE status = 'succeeded' AND EXISTS (
    SELECT 1 FROM run_docs, json_each(run_docs.doc, '$.attempts') AS later,
        json_each(run_docs.doc, '$.attempts') AS earlier
    WHERE run_docs.run = runs.key AND later.key = earlier.key + 1
        AND json_extract(later.value, '$.what') IN ('retry', 'skip')
        AND json_extract(earlier.value, '$.status') IN ('failed', 'cancelled')
);
CREATE INDEX runs_pipeline_branch ON runs (pipeline, branch, number) WHERE branch <> '';
CREATE INDEX runs_project_branch ON runs (project, branch, queued_at) WHERE branch <> '';
CREATE INDEX runs_pipeline_recovered ON runs (pipeline, recovered, number) WHERE recovered = 1;
CREATE INDEX runs_project_recovered ON runs (project, recovered, queued_at) WHERE recovered = 1;
-- Where unfinished runs wait for people.
CREATE INDEX gates_open ON gates (run) WHERE status = 'open' AND latest = 1;
