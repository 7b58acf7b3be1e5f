"""Pipeline files: read, store on a server, and say in which line something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mulligan.cli.client import part
from mulligan.cli.exits import EXIT_FORBIDDEN, EXIT_USAGE, FailureError
from mulligan.cli.options import Session
from mulligan.cli.output import note
from mulligan.cli.problems import Json, ProblemError
from mulligan.cli.references import pipeline_named
from mulligan.cli.template_files import TemplateFiles
from mulligan.facades.native.documents import locate, looks_like_json, read_document
from mulligan.pipeline_yaml.document_error import DocumentError

if TYPE_CHECKING:
    from mulligan.pipeline_yaml.findings import Finding
    from mulligan.pipeline_yaml.read import Draft

# What helps most people with an error, by its code.
HINTS = {
    "finally-position": "move the finally stage to the end",
    "job-without-step": "remove the job, or give it a step",
    "name-blank": 'add "name" at the top',
    "stage-without-job": "remove the stage, or give it a job",
    "trigger-stage": "put all work in the stages after it",
}
_YAML = {".yaml", ".yml"}
_NOT_FOUND = 404
_FORBIDDEN = 403
_UNPROCESSABLE = 422


class FileError(FailureError):
    """A pipeline file is refused; holds one line for each thing that is wrong."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines), EXIT_USAGE)

    def show(self, file: Any = None) -> None:
        """Print the lines as they are, for editors to jump to."""
        del file
        note(self.message)


class PipelineFile:
    """The content of a pipeline file. `shown`: its name as it was given."""

    _draft: Draft | None = None

    def __init__(self, path: Path, templates: TemplateFiles | None = None) -> None:
        self.shown = str(path)
        self._templates = (templates or TemplateFiles(None)).beside(path)
        try:
            self.data = path.read_bytes()
        except OSError as error:
            raise FileError([f"{self.shown}: {error.strerror or error}"]) from None
        self._name = path.name
        # YAML may begin with a brace
        self.is_yaml = path.suffix.lower() in _YAML or not looks_like_json(
            self.data.decode("utf-8", "replace")
        )

    def document(self) -> Any:
        """Return its value; of a YAML of v2.0 or v3.0 the model and setting that it says.

        Raises:
            FileError: It is malformed, or one of those with errors: all of them.
        """
        if self._draft is None:
            try:
                value = read_document(self.data, is_yaml=self.is_yaml)
            except DocumentError as error:
                raise FileError([self._at((error.line, error.column), error.message)]) from None
            from mulligan.pipeline_yaml.read import is_pipeline

            if not is_pipeline(value):
                return value
            self._draft = self._convert()
        return self._draft.document

    def _convert(self) -> Draft:
        from mulligan.pipeline_yaml.findings import YamlError
        from mulligan.pipeline_yaml.read import read_pipeline

        try:
            text = self.data.decode("utf-8-sig")
            return read_pipeline(text, name=self._name, source=self._templates)
        except YamlError as error:
            raise FileError(self._lines(error.findings)) from None

    def _lines(self, findings: Iterable[Finding], word: str = "") -> list[str]:
        lines = []
        for found in findings:
            file = found.file or self.shown
            where = f", at {found.pointer}" if found.pointer else ""
            hint = f" ({found.hint})" if found.hint else ""
            lines.append(f"{file}:{found.line}:{found.column}: {word}{found.detail}{where}{hint}")
        return lines

    def warnings(self) -> list[str]:
        """Give a line for each thing that was taken, but can't be carried out."""
        return self._lines(self._draft.warnings, "warning: ") if self._draft is not None else []

    def line(self, detail: str, pointer: str | None, code: str = "") -> str:
        """Give `FILE:LINE:COL: what is wrong, at PATH (hint)`, as much of it as is known."""
        if self._draft is not None and pointer is not None:
            hint = HINTS.get(code, "")
            return self._lines([self._draft.locate(pointer, detail, hint)])[0]
        place = locate(self.data, pointer, is_yaml=self.is_yaml) if pointer is not None else None
        where = f", at {pointer}" if pointer else ""
        hint = f" ({HINTS[code]})" if code in HINTS else ""
        return self._at(place, detail + where + hint)

    def name(self) -> object:
        """Return the name of the pipeline, if it has one."""
        document = self.document()
        if self._draft is not None:
            document = self._draft.model
        return document.get("name") if isinstance(document, dict) else None

    def body(self) -> tuple[bytes, str]:
        """Return what a server is sent, and its media type."""
        document = self.document()
        if self._draft is not None:
            return json.dumps(document).encode(), "application/json"
        return self.data, "application/yaml" if self.is_yaml else "application/json"

    def _at(self, place: tuple[int, int] | None, text: str) -> str:
        where = f"{self.shown}:{place[0]}:{place[1]}" if place else self.shown
        return f"{where}: {text}"

    def refusal(self, problem: Json) -> FileError:
        """Give the error for a problem that names places in the document."""
        code = str(problem.get("code", ""))
        lines = []
        for item in problem.get("errors") or [problem]:
            detail = str(item.get("detail") or "is refused")
            if item.get("line") and not item.get("pointer"):
                lines.append(self._at((item["line"], item.get("column", 1)), detail))
            else:
                lines.append(self.line(detail, item.get("pointer"), code))
        return FileError(lines)


def save(session: Session, file: PipelineFile) -> Json:
    """Store a file: a new version of the pipeline of that name, or a new pipeline.

    Returns:
        What the server says about it: id, version, name, counts, warnings.

    Raises:
        FileError: The file is refused.
    """
    name = file.name()
    known = pipeline_named(session, name) if isinstance(name, str) and name.strip() else None
    data, media = file.body()
    method, path = "POST", f"{session.path}/pipelines"
    if known is not None:
        method, path = "PUT", f"{path}/{part(known['id'])}"
    try:
        saved = session.client.call(method, path, data, media=media)
    except ProblemError as error:
        if error.status != _UNPROCESSABLE:
            raise
        raise file.refusal(error.problem) from None
    for line in file.warnings():
        note(line)
    for warning in saved["warnings"]:
        note(file.line(f"warning: {warning['detail']}", warning["pointer"]))
    return dict(saved)


def ensure_project(session: Session) -> None:
    """Make the project if there is none of that id."""
    client = session.client
    try:
        client.get(session.path)
    except ProblemError as error:
        if error.status != _NOT_FOUND:
            raise
        missing = error
    else:
        return
    try:
        client.call("POST", "/projects", {"name": session.project, "id": session.project})
    except ProblemError as error:
        if error.status == _FORBIDDEN:
            message = f"{missing.message}, and you may not make it"
            raise FailureError(message, EXIT_FORBIDDEN) from None
        raise
    note(f"made project {session.project}")


def counted(saved: Json) -> str:
    """Give the size of a pipeline in words."""
    return f"{saved['stages']} stages, {saved['jobs']} jobs, {saved['steps']} steps"
