"""Start the keeper: `python -I -S -X utf8 __main__.py --data DIR`; returns when it is ready."""

import os
import sys

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from mulligan.executors.keeper.daemon import main

sys.exit(main(sys.argv[1:]))
