"""What is wrong with the text of a document."""


class DocumentError(Exception):
    """The text is neither JSON nor YAML that can be taken; line and column count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column
