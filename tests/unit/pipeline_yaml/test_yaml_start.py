"""A server starts without what reads pipeline files."""

import subprocess
import sys


def test_server_starts_without_it() -> None:
    """Nothing that reads files is imported before the first one comes."""
    code = (
        "import sys, mulligan.bootstrap, mulligan.facades.app, mulligan.cli.serve\n"
        "print([name for name in sys.modules if name.startswith('mulligan.pipeline_yaml.')])\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['mulligan.pipeline_yaml.document_error']"
