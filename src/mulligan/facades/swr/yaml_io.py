"""YAML of this dialect: in without tags or explosions (§1.3).

The parser is imported when it is needed: a server begins without it.
"""

from __future__ import annotations

from typing import Any

from mulligan.facades.swr.errors import INVALID, SwrError, bad
from mulligan.pipeline_yaml.document_error import DocumentError

_TEXT_TAG = "tag:yaml.org,2002:str"


def load_yaml(data: bytes) -> Any:
    """Read one YAML document as a value of JSON; instants stay texts.

    Raises:
        SwrError: 4000014, it is malformed, has tags, or its aliases make it too large.
    """
    import yaml

    from mulligan.pipeline_yaml.tree import compose

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad("body", "is not UTF-8") from None
    try:
        _refuse_tags(text)
        return compose(text).value()
    except DocumentError as error:
        raise bad("body", f"is no YAML that is taken: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise bad("body", f"is no YAML: {' '.join(str(error).split())}") from None


def _refuse_tags(text: str) -> None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if "!" not in text:
        return
    for event in yaml.parse(text, Loader=loader):
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in {_TEXT_TAG, "!"}:
            raise SwrError(INVALID, f"body: tags are not taken: {tag}")
