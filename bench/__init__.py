"""Measure Mulligan against limits that are measured in the same run; `python -m bench --help`.

Nothing here imports `mulligan`: the server is a child process, spoken to over HTTP as a client
would. Absolute times depend on the machine and on what else it does; the ratios are what counts.
"""
