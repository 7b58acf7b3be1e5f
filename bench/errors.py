"""What can go wrong while measuring.

BenchError
├── NotMeasuredError    something that a row needs is not there
├── RowTimeoutError     a row took longer than it may
├── ServerStartError    a server process ended, or stayed silent, before it was ready
└── CallError           an answer was not what the row relies on
"""


class BenchError(Exception):
    """Say why a row gives no figures."""


class NotMeasuredError(BenchError):
    """Say that something that a row needs is not there."""


class RowTimeoutError(BenchError):
    """Say that a row took longer than it may."""


class ServerStartError(BenchError):
    """Say that a server process ended, or stayed silent, before it was ready."""


class CallError(BenchError):
    """Say that an answer was not what the row relies on."""
