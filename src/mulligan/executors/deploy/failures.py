"""How an act of a deploy driver can fail, and the exit codes that say so."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h


class DeployError(Exception):
    """The act did not work; the message is for the user.

    - FailedError: the release or what was said about it is wrong, or it is not healthy
    - UnreachableError: the target, the keeper or this machine's storage can't be used
    """

    exit_code = EXIT_FAILED


class FailedError(DeployError):
    """The release or what was said about it is wrong, or it is not healthy."""


class UnreachableError(DeployError):
    """The target, the keeper or this machine's storage can't be used."""

    exit_code = EXIT_UNREACHABLE
