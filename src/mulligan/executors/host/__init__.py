"""The step host: a small process of its own that runs steps for the server.

Only cheap standard modules may be imported below this folder: the host must start in a few
hundredths of a second and stay small. It is started by path (`__main__.py`), without site
packages, so nothing that is installed can be imported here, `mulligan.logs` excepted.

    server ── socketpair ──> host (pid 1 of its own namespace) ──> steps, each a session
       └── starts ──> guard ──┘   waits for the host, and ends it when the server is gone

Modules: `guard` (the outer process), `isolation` (namespaces), `reactor` and `timers` (what is
ready, what is due), `connection` and `messages` (the socket), `loop` (requests and ends), `job` and
`step` (one job attempt, one process), `spawn`, `pump` and `output` (from the pipe into the log),
`commands` and `set_env` (what the step says), `ending` and `processes` (until nothing is left),
`spool` (results on disk).
"""
