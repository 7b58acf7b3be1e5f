"""The text of one file to nodes."""

from mulligan.pipeline_yaml.document_error import DocumentError
from mulligan.pipeline_yaml.findings import Finding, YamlError
from mulligan.pipeline_yaml.tree import Node, compose

MOST_NODES = 200_000


def read_root(text: str, file: str = "") -> Node:
    """Read the text of a file.

    Raises:
        YamlError: It is malformed or too large.
    """
    try:
        root = compose(text, file=file, merges=True)
        demand_size(root)
    except DocumentError as error:
        found = Finding(detail=error.message, file=file, line=error.line, column=error.column)
        raise YamlError([found]) from None
    return root


def demand_size(root: Node) -> None:
    """Check that a file is not too large, aliases counted each time.

    Raises:
        DocumentError: It is.
    """
    root.demand_size(MOST_NODES)
