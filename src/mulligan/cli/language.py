"""The language in which the command line speaks: English, or Chinese where that is wanted."""

import os

LANGUAGES = ("en", "zh")

_chosen: list[str] = []


def choose(language: str | None) -> None:
    """Speak a language from now on; None = that of the environment."""
    _chosen[:] = [language or _of_environment()]


def is_chinese() -> bool:
    """Tell whether Chinese is spoken."""
    return (_chosen[0] if _chosen else _of_environment()) == "zh"


def _of_environment() -> str:
    for name in ("MULLIGAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if text := os.environ.get(name):  # as for other programs, the first that is set counts
            return "zh" if text.lower().startswith("zh") else "en"
    return "en"


def tr(text: str, **values: object) -> str:
    """Return a remark in the language that is spoken, with its values in place of `{name}`.

    Values are put in after the text was chosen, so braces in them do nothing.
    """
    if is_chinese():
        from mulligan.cli.chinese import REMARKS

        text = REMARKS[text]
    return text.format(**values) if values else text
