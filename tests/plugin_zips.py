"""Plugins for tests, written after the protocol only: zips with a task.json and a program."""

import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# Reads its input, says what it was given, and leaves the output that its input `answer` names.
SHELL = """#!/bin/sh
echo "called with: $*"
if [ -f "$bk_data_dir/answer" ]; then cp "$bk_data_dir/answer" "$bk_data_dir/$bk_data_output"; fi
"""


def manifest(code: str = "echo", **execution: Any) -> Json:
    """Give a task.json; the arguments change its `execution`."""
    return {
        "atomCode": code,
        "execution": {
            "language": "golang",
            "packagePath": "run.sh",
            "target": "./run.sh",
            **execution,
        },
        "input": {"words": {"label": "words", "type": "vuex-input", "default": "hello"}},
        "output": {"count": {"type": "string"}},
    }


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    """Pack files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # without a time: always the same bytes
    return content.getvalue()


def plugin_zip(task: Json | None = None, **files: str | bytes) -> bytes:
    """Pack a plugin; `run_sh` stands for the file run.sh and so on."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    return zip_of({"task.json": json.dumps(task or manifest()), "run.sh": SHELL, **named})


def with_entry(
    content: bytes, name: str, data: bytes = b"x", *, mode: int = 0o100644, packed: int = 8
) -> bytes:
    """Add an entry of any name and Unix mode to a zip."""
    archive_bytes = io.BytesIO()
    archive_bytes.write(content)
    with warnings.catch_warnings(), zipfile.ZipFile(archive_bytes, "a", packed) as archive:
        warnings.simplefilter("ignore")  # a name may be given twice on purpose
        info = zipfile.ZipInfo(name)
        info.filename = name  # the constructor makes some names harmless
        info.external_attr = mode << 16
        info.compress_type = packed
        archive.writestr(info, data)
    return archive_bytes.getvalue()
