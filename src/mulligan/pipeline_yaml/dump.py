"""Write YAML: plain blocks, texts that stay texts to every parser.

The library is imported when it is needed: a server begins without it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

# Parsers of other versions of YAML take some texts for numbers or instants: 1e3, 0o17, 1:30.
_LIKE_NUMBER = re.compile(r"[-+.]?[0-9]")
_LIKE_WORD = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null|~|\.inf|\.nan)")
_BREAKS = re.compile(r"[\r\x85\u2028\u2029]")  # line breaks to some parsers
_TEXT_TAG = "tag:yaml.org,2002:str"


def dump_yaml(value: object) -> bytes:
    """Write a value of JSON as YAML: keys in their order, UTF-8, long texts as literal blocks."""
    text = _dump(value, "CSafeDumper")
    if "\\U" in text:  # libyaml escapes what lies beyond the basic plane; slow, but rare
        text = _dump(value, "SafeDumper")
    return text.encode()


def _dump(value: object, base: str) -> str:
    import yaml

    text: str = yaml.dump(
        value,
        Dumper=_dumper(base),
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=1_000_000,
    )
    return text


@cache
def _dumper(base: str) -> type[yaml.SafeDumper]:
    import yaml

    inherited: type[yaml.SafeDumper] = getattr(yaml, base, yaml.SafeDumper)

    class Dumper(inherited):  # type: ignore[misc,valid-type]  # the C one where there is one
        """Writes no anchors, and texts so that they stay texts."""

        def ignore_aliases(self, data: Any) -> bool:
            """Tell that nothing is written as an alias."""
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None
        if _BREAKS.search(text):
            style = '"'
        elif "\n" in text:
            style = "|"
        elif _LIKE_NUMBER.match(text) or _LIKE_WORD.fullmatch(text):
            style = "'"
        return dumper.represent_scalar(_TEXT_TAG, text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper
