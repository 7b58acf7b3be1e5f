"""Names that lead to a file of a package, and what they may be made of."""

import re
from collections.abc import Mapping
from typing import Any

from mulligan.core.errors import InvalidError

# `<repository>%20<package>`: literally these three characters, or a blank, or encoded once more
_SEPARATOR = re.compile(r" |%(?:25)*20")
NAMESPACE = re.compile(r"[a-z][a-z0-9]*(?:(?:__|[._-])[a-z0-9]+)*")
PACKAGE_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # of an image
LONGEST_NAMESPACE = 64
_LONGEST_SEGMENT = 255  # bytes, as file systems have it
_LONGEST_FOLDER = 1024  # bytes
_MOST_FOLDERS = 32


def split_package(text: str) -> tuple[str, str]:
    """Return software repository and name of a package; "" for what is not there."""
    parts = _SEPARATOR.split(text, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else ("", text)


def join_package(repository: str, name: str) -> str:
    """Return `<repository>%20<name>`."""
    return f"{repository}%20{name}"


def split_file_path(text: str) -> tuple[str, str]:
    """Return folder ("" = top) and name of a file. Raises as `join_folder` and `check_filename`."""
    *folders, filename = text.split("/")
    return join_folder(folders), check_filename(filename)


def path_of_output(place: Mapping[str, Any]) -> str:
    """Return the path in its package of a file that a build publishes."""
    return str(place.get("file_path") or str(place["local_file_path"]).rpartition("/")[2])


def check_output(place: Mapping[str, Any]) -> None:
    """Check where a build publishes a file, once the variables of the texts are put in.

    Raises:
        InvalidError: A name breaks its rule, or the path leads elsewhere.
    """
    namespace, version = str(place.get("namespace") or ""), str(place.get("version") or "")
    if len(namespace) > LONGEST_NAMESPACE or not NAMESPACE.fullmatch(namespace):
        raise InvalidError(f"{namespace!r} is no name of an organisation", code="namespace")
    package = str(place.get("package") or "")
    if not all(map(PACKAGE_PART.fullmatch, split_package(package))):
        raise InvalidError(f"{package!r} is not <repository>%20<package>", code="package")
    if not VERSION.fullmatch(version):
        raise InvalidError(f"{version!r} is no version", code="version")
    split_file_path(path_of_output(place))


def join_folder(folders: list[str]) -> str:
    """Return a folder from its segments.

    Raises:
        InvalidError: It would lead elsewhere, or is too long (code "folder").
    """
    folder = "/".join(folders)
    is_long = len(folder.encode("utf-8", "replace")) > _LONGEST_FOLDER
    if len(folders) > _MOST_FOLDERS or is_long or not all(map(is_segment, folders)):
        raise InvalidError(
            "a folder is names joined by /, none of them empty, . or ..", code="folder"
        )
    return folder


def check_filename(filename: str) -> str:
    """Return the name of a file.

    Raises:
        InvalidError: It is none (code "filename").
    """
    if not is_segment(filename):
        raise InvalidError(
            "a file name has 1 to 255 bytes, no / \\ or control character, and is not . or ..",
            code="filename",
        )
    return filename


def is_segment(text: str) -> bool:
    """Tell whether a text may stand between two slashes of a path."""
    if not text or text in {".", ".."} or "/" in text or "\\" in text:
        return False
    if any(character < " " or character == "\x7f" for character in text):
        return False
    try:
        return len(text.encode()) <= _LONGEST_SEGMENT
    except UnicodeEncodeError:
        return False
