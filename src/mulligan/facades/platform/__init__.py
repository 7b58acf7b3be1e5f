"""What a plugin may ask of the server while its step runs: the services of the plugin protocol.

A request carries the key of `.sdk.json`; it is good for one step attempt, for as long as that runs,
and for nothing outside its project (spec/bkci-yaml-and-plugins.md §3.5).
"""
