"""The step host: a small process of its own that runs steps for the server.

Only cheap standard modules may be imported below this folder: the host must start in a few
hundredths of a second and stay small. It is started by path (`__main__.py`), without site
packages, so nothing that is installed can be imported here, `mulligan.logs` excepted.

    server ── socketpair ──> host (pid 1 of its own namespace) ──> steps, each a session
       └── starts ──> guard ──┘   waits for the host, and ends it when the server is gone

Modules: `guard` (the outer process), `isolation` (namespaces), `loop` (what is ready, and when),
`server` (requests and answers), `job` and `step` (one job attempt, one process), `output` (into
the log), `commands` (out of the output), `spool` (results on disk), `processes` (looks into /proc).
"""
