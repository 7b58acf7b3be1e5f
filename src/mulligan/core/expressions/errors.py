"""The one error of the expression language."""


class ExpressionError(Exception):
    """Say what is wrong in an expression and where.

    Attributes:
        kind: whose fault it is, as one word:
            ``parse`` the text is no expression, or names a root or function that does not exist;
            ``limit`` the text, or JSON that it reads or prints, is too long or nested too deeply;
            ``format`` a function was given a text it can't read;
            ``cost`` the answer would need too much work or get too large;
            ``unavailable`` the function exists, but not on the server.
        position: 0-based column in the expression, from 0 to its length (= at its end).
        reason: the message without the column.
    """

    def __init__(self, reason: str, *, kind: str, position: int = 0) -> None:
        super().__init__(f"{reason} (column {position + 1})")
        self.reason = reason
        self.kind = kind
        self.position = position
