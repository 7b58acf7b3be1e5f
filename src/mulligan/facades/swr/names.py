"""Names of this dialect and what they may be made of (spec/swr-pipeline-api.md §1.8)."""

import re

from mulligan.engine.package_names import (
    LONGEST_NAMESPACE,
    NAMESPACE,
    PACKAGE_PART,
    VERSION,
)
from mulligan.facades.swr.errors import SwrError

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 255
SYSTEM_PREFIX = "SYS_"
SYS_INCREMENT = "SYS_INCREMENT"
SYS_TIMESTAMP = "SYS_TIMESTAMP"

_NAME = re.compile(r"[a-z][a-z0-9]*(?:(?:_{1,2}|-+)[a-z0-9]+)*")
_STAGE = re.compile(r"[\u4e00-\u9fa5A-Za-z0-9._-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_CHANNEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:__|[._/]|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]{0,63}\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PACKAGE_SEPARATOR = "%20"
_LONGEST_REPOSITORY = 128


def is_name(text: str) -> bool:
    """Tell whether a text may name a group or a pipeline."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def is_stage_name(text: str) -> bool:
    """Tell whether a text may name a stage."""
    return _STAGE.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """Tell whether a text may name a global variable."""
    return _VARIABLE.fullmatch(text) is not None


def is_channel(text: str) -> bool:
    """Tell whether a text may name a channel."""
    return _CHANNEL.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Tell whether a text may name an organisation; references count as a letter."""
    plain = without_references(text)
    return len(plain) <= LONGEST_NAMESPACE and NAMESPACE.fullmatch(plain) is not None


def is_repository(text: str) -> bool:
    """Tell whether a text may name an image repository; references count as a letter."""
    plain = without_references(text)
    return len(plain) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(plain) is not None


def is_tag(text: str) -> bool:
    """Tell whether a text may be an image's tag; references count as a letter."""
    return _TAG.fullmatch(without_references(text)) is not None


def is_version(text: str) -> bool:
    """Tell whether a text may name a version of a package; references count as a letter."""
    return VERSION.fullmatch(without_references(text)) is not None


def split_package(text: str) -> tuple[str, str] | None:
    """Give software repository and package of `<repository>%20<package>`; None: it is none."""
    separator = PACKAGE_SEPARATOR if PACKAGE_SEPARATOR in text else " "
    repository, found, package = text.partition(separator)
    parts = (without_references(repository), without_references(package))
    if not found or not all(PACKAGE_PART.fullmatch(part) for part in parts):
        return None
    return repository, package


def without_references(text: str) -> str:
    """Put a letter in the place of each `${NAME}`."""
    return _REFERENCE.sub("x", text)


def has_reference(text: str) -> bool:
    """Tell whether a text holds a `${NAME}`."""
    return _REFERENCE.search(text) is not None


def has_control(text: str) -> bool:
    """Tell whether a text holds a control character."""
    return _CONTROL.search(text) is not None


def is_safe_path(text: str) -> bool:
    """Tell whether a text is a relative path that stays where it begins."""
    if not text or text.startswith(("/", "~")) or "\\" in text or has_control(text):
        return False
    return ".." not in text.split("/")


def is_file_name(text: str) -> bool:
    """Tell whether a text is one segment of a path."""
    return is_safe_path(text) and "/" not in text and text not in {".", ".."}


def check_description(text: str, path: str = "description") -> str:
    """Return a description.

    Raises:
        SwrError: 4001093, it is too long.
    """
    if len(text) > LONGEST_DESCRIPTION:
        raise SwrError("SWR.4001093", f"{path} has more than {LONGEST_DESCRIPTION} characters")
    return text
