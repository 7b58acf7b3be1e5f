"""Cause: why an attempt ended as it did. A status says where, a cause says why."""

from enum import StrEnum


class Cause(StrEnum):
    """Reasons, by status. `None` stands for the ordinary reason of that status."""

    # failed
    USER = "user"  # the script or program ended with an exit code other than 0
    CONFIG = "config"  # the definition can't be carried out: unknown plugin, bad time-out text
    INFRA = "infra"  # the machine or the server failed, not the user's work
    TIMEOUT = "timeout"  # over the step's own time
    JOB_TIMEOUT = "job_timeout"  # over the job's time
    QUEUE_TIMEOUT = "queue_timeout"  # waited too long before it began
    LOST = "lost"  # its runner or server was killed
    FAST_KILL = "fast_kill"  # another job of the stage failed first
    TERMINATED = "terminated"  # ended by force
    REJECTED = "rejected"  # a person said no
    TRIGGER_REFUSED = "trigger_refused"  # nobody let the event that started it have its way
    QUALITY = "quality"  # metrics did not satisfy a quality rule
    UNAUTHORIZED = "unauthorized"  # a right or an account that the work needs is missing
    LOCKED = "locked"  # a mutex that it needs is taken, and it may not wait (any longer)
    UNREACHABLE = "unreachable"  # the target of a deployment could not be reached
    # cancelled
    ROLLED_BACK = "rolled_back"  # what the run deployed was taken back
    # skipped
    DISABLED = "disabled"  # switched off in the definition or at the start
    CONDITION = "condition"  # its condition does not hold
    DEPENDENCY = "dependency"  # a job that it depends on did not succeed
    WAIVED = "waived"  # a named person skipped it
    UNREACHED = "unreached"  # something before it failed or was cancelled


def classify_exit(exit_code: int | None, signal: int | None) -> Cause | None:
    """Give the cause of a process's end; `None` means that it succeeded."""
    if signal is None and exit_code == 0:
        return None
    return Cause.USER
