"""Programs that the step host runs for a step. Standard library only: they start without site.

Each reads an order, a JSON file, works in its current folder, prints the step's log, and leaves a
report (`ends.ProgramReport`). One program is one step, so a step that was cut off has no parts
that someone must remember.
"""
