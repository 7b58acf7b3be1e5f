"""Pipeline files in YAML (v2.0 and v3.0): read into the BK-CI model, and write a model as v3.0.

A file becomes a model and a `PipelineSetting` (plain JSON), as the platform converts it; what a
model means is not known here. On the way:

| module | does |
|---|---|
| `tree` | text to nodes, each with its place |
| `templates`, `parameters` | files that files include; their parameters |
| `shapes`, `keys_*` | the table of all keys: checking, JSON Schema and reference follow from it |
| `to_model`, `to_*` | nodes to the model |
| `from_model`, `from_*` | the model to YAML |

Nothing here reads a file by itself, and nothing of it is imported when a server starts.
"""
