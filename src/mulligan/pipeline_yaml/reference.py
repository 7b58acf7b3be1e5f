"""The reference of all keys, in both languages; made from the table of keys.

`python -m mulligan.pipeline_yaml.reference docs/reference` writes it into the pages.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from mulligan.pipeline_yaml.json_schema import all_objects
from mulligan.pipeline_yaml.shapes import BOTH, Key, Note, Object, State

BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"
PAGES = {"yaml.md": "en", "yaml.zh-CN.md": "zh"}
_HEAD = {
    "en": "| key | versions | default | means | example | here |",
    "zh": "| 键 | 版本 | 默认 | 含义 | 示例 | 此处 |",
}
_STATES = {
    State.WORKS: Note("works", "可用"),
    State.IGNORED: Note("accepted and ignored", "接受但忽略"),
    State.REFUSED: Note("refused", "拒绝"),
}


def make_reference(language: str) -> str:
    """Return the tables, one for each object."""
    return "\n\n".join("\n".join(_section(each, language)) for each in all_objects())


def _say(note: Note, language: str) -> str:
    return note.en if language == "en" else note.zh


def _section(shown: Object, language: str) -> Iterator[str]:
    title = _say(shown.title, language)
    yield f"### {title[:1].upper()}{title[1:]}".replace("'", "`" if language == "en" else "'")
    yield ""
    yield _HEAD[language]
    yield "|---|---|---|---|---|---|"
    for key in shown.keys:
        yield f"| {' | '.join(_row(key, language))} |"


def _row(key: Key, language: str) -> Iterator[str]:
    yield f"`{key.name}`"
    yield "" if key.versions == BOTH else ", ".join(key.versions)
    required = "required" if language == "en" else "必填"
    yield f"*{required}*" if key.is_required else f"`{key.default}`" if key.default else ""
    yield _say(key.note, language).replace("|", "\\|")
    yield f"`{key.sample}`".replace("|", "\\|")
    state = _say(_STATES[key.state], language)
    why = _say(key.why, language)
    separator = ": " if language == "en" else "："
    yield f"{state}{separator}{why}" if why else state


def filled(page: str, language: str) -> str:
    """Return a page with the tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{make_reference(language)}\n{END}{after}"


def main(folder: str) -> None:
    """Write the tables into the pages of a folder."""
    for name, language in PAGES.items():
        page = Path(folder, name)
        page.write_text(filled(page.read_text("utf-8"), language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
