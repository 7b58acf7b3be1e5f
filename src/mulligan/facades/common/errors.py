"""What can be wrong with a request before a dialect looks at its content."""


class RequestError(Exception):
    """The request can't be taken; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UnauthenticatedError(RequestError):
    """No credential, or a wrong one."""

    def __init__(self, message: str = "no valid credential was sent") -> None:
        super().__init__(401, message)


class BodyTooLargeError(RequestError):
    """Over the limit of the body's size."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(413, f"the body is larger than {limit_bytes} bytes")


class KeyReusedError(RequestError):
    """An `Idempotency-Key` came again with another call; `status` is the own API's."""

    def __init__(self, key: str) -> None:
        super().__init__(422, f"Idempotency-Key {key!r} was used for another call")
