"""Whatever a file holds: it is taken, or everything that is wrong is said; nothing else happens."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from yaml_files import FILES, NAMES, V2, V3, definition_of, meaning_of

from mulligan.core.errors import InvalidError
from mulligan.pipeline_yaml.findings import YamlError
from mulligan.pipeline_yaml.from_model import write_pipeline
from mulligan.pipeline_yaml.json_schema import all_objects
from mulligan.pipeline_yaml.read import Draft, is_pipeline, read_pipeline
from mulligan.pipeline_yaml.templates import Source
from mulligan.pipeline_yaml.tree import compose

Json = Any

WHOLE: list[Json] = [compose((FILES / f"{name}.yml").read_text("utf-8")).value() for name in NAMES]
KEYS = sorted({key.name for each in all_objects() for key in each.keys})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 20_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "on", "${{ a.b }}", "${x}", "FAILURE", "a@1.*", "self", "*", "x\ny"]),
    st.text(max_size=8).filter(str.isprintable),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=5,
)


class OneTemplate:
    """Gives the same template for every name."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, repository: str, path: str) -> tuple[str, str]:
        """Return it."""
        return self._text, f"{repository}/{path}"


def places(value: Json) -> list[tuple[Json, Any]]:
    """List every (holder, key) in a document."""
    found: list[tuple[Json, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        found.append((value, key))
        if isinstance(item, dict | list):
            found += places(item)
    return found


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """Give a file with a few parts replaced, taken out, renamed or added."""
    document = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from(places(document)))
        act = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if act == "replace":
            holder[key] = draw(VALUES)
        elif act == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            value = holder.pop(key) if act == "rename" else draw(VALUES)
            holder[draw(st.sampled_from(KEYS))] = value
        if not places(document):
            break
    return json.dumps(document, ensure_ascii=False)


def read(text: str, source: Source | None = None) -> Draft | None:
    """Read a text; None if it is refused, as it may be."""
    try:
        return read_pipeline(text, name="fuzz", source=source)
    except YamlError as error:
        findings = error.findings
    assert findings
    assert all(found.detail and found.line >= 1 for found in findings)
    return None


def check(text: str, source: Source | None = None) -> None:
    """Read a text, store what came out, write it, read that: it means the same."""
    draft = read(text, source)
    if draft is None:
        return
    try:
        definition = definition_of(draft)
    except InvalidError as error:
        found = draft.locate(error.pointer, str(error))
        assert found.line >= 1
        return
    exported = write_pipeline(definition.source, draft.setting)
    again = read(exported.text)
    assert again is not None, exported.text
    if not exported.notes:
        assert meaning_of(definition_of(again)) == meaning_of(definition), exported.text


@settings(max_examples=300, deadline=None)
@given(broken_files())
def test_broken_files(text: str) -> None:
    """Files that are almost right."""
    check(text)


@settings(max_examples=60, deadline=None)
@given(broken_files(), st.sampled_from(["steps", "jobs", "stages", "variables"]))
def test_broken_templates(text: str, kind: str) -> None:
    """Templates that are almost right."""
    include = {
        "steps": "steps: [{template: t.yml, parameters: {a: b}}]\n",
        "jobs": "jobs: {template: [{name: t.yml}]}\n",
        "stages": "stages: [{template: t.yml}]\n",
        "variables": "variables: {template: [{name: t.yml}]}\nsteps: [{run: a}]\n",
    }[kind]
    check(V2 + include, OneTemplate(text))
    check(V3 + "extends: {template: t.yml}\n", OneTemplate(text))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("abv: -[]{}&*!|>'\"\n\t#%@0123.$<\x85é"), max_size=60))
def test_any_text(text: str) -> None:
    """Texts that are no files at all."""
    check(text)
    check(V3 + text)


@given(VALUES)
def test_any_value_is_recognised_or_not(value: Json) -> None:
    """Telling files from models never fails."""
    assert is_pipeline(value) in {True, False}
