"""The deploy drivers: programs of their own that the step host runs, one for each kind of target.

    python DRIVER.py ORDER.json

What they print is the job's log. They end with 0 (done and healthy), 69 (the target can't be
reached, or something of this machine is broken), or anything else (failed). Only the standard
library is imported at their start.
"""
