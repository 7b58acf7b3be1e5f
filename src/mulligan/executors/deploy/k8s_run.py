"""Carry out one order from its file to the exit code."""

import signal
import sys
from pathlib import Path
from types import FrameType

from mulligan.executors.deploy import k8s_gray
from mulligan.executors.deploy.k8s_api import Api
from mulligan.executors.deploy.k8s_connect import connect
from mulligan.executors.deploy.k8s_context import Context
from mulligan.executors.deploy.k8s_deploy import deploy, promote, rollback
from mulligan.executors.deploy.k8s_errors import (
    EXIT_TERMINATED,
    EXIT_UNREACHABLE,
    DriverError,
    TerminatedError,
)
from mulligan.executors.deploy.k8s_order import complain, read_order, say
from mulligan.executors.deploy.k8s_settings import read_settings, settings_object

_ACTS = {
    "deploy": deploy,
    "gray": k8s_gray.gray,
    "promote": promote,
    "abort": k8s_gray.abort,
    "rollback": rollback,
}


def run(file: Path) -> int:
    """Carry out the order in a file; returns the exit code."""
    try:
        order = read_order(file)
        settings = read_settings(order)
        client = connect(settings_object(order), private_ok=order.private_ok)
        say(f"{order.act} {order.deployment}: cluster {client.configuration.host}")
        _ACTS[order.act](Context(order, settings, Api(client, patience_s=settings.patience_s)))
    except DriverError as error:
        complain(str(error))
        return error.exit_code
    except OSError as error:
        complain(f"something of this machine is broken: {error}")
        return EXIT_UNREACHABLE
    except TerminatedError:
        say("stopped as asked; what the cluster has begun goes on, nothing is undone")
        return EXIT_TERMINATED
    return 0


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise TerminatedError


def main() -> int:
    """Run the order that the first argument names."""
    signal.signal(signal.SIGTERM, _terminate)
    return run(Path(sys.argv[1]))
