"""Start the step host: `python -I -S -X utf8 __main__.py FD SERVER_PID ISOLATION SPOOL`."""

import os
import sys

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from mulligan.executors.host.guard import main

main(sys.argv[1:])
