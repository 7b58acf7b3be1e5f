"""Run one of the programs: `python -I -S -X utf8 __main__.py ORDER.json`."""

import os
import sys

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from mulligan.executors.programs.main import main

sys.exit(main(sys.argv[1]))
