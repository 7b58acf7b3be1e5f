"""Deploy to Kubernetes. A program of its own, run by a step host.

    python kubernetes_driver.py ORDER.json

What it prints is the job's log. Exit codes: 0 done and healthy; 1 failed; 69 the cluster can't be
reached or doesn't know us, or the official client isn't installed; 143 TERM came (nothing undone).
"""

import sys
from pathlib import Path


def main() -> int:
    """Run the order that the first argument names."""
    here = Path(__file__).resolve()
    # This folder is no place to look for modules: it holds names such as `common`.
    sys.path[:] = [path for path in sys.path if path != str(here.parent)]
    if str(here.parents[3]) not in sys.path:
        sys.path.append(str(here.parents[3]))
    from mulligan.executors.deploy.k8s_run import main as run_main

    return run_main()


if __name__ == "__main__":
    sys.exit(main())
