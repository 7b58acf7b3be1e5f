"""The keeper: a small daemon that runs the live processes of `process` environments.

One for each data directory. The server starts it and does not end it: what is live outlives the
server, also one that is killed. The programs that deploy talk to it over `DIR/keeper.sock`.

    server ── starts ──> keeper (a session of its own) ──> services, each a session
    deploy program ── DIR/keeper.sock, JSON lines ──┘

It ends with all its services when its data directory is gone, on TERM and on `shutdown`. If it is
killed, its services go on; the next keeper takes over those that are committed and ends the rest.

As with the step host only cheap standard modules may be imported below this folder, apart from
`client`, `health` and `following`, which belong to the other side of the socket.

Modules: `daemon` (start, lock), `loop` (commands), `connection` (the socket), `service` (one
process and its family), `family` (who belongs to it), `ports` (who listens where), `launch`
(start a process), `log_file` (bounded output), `state` (what survives).
"""
