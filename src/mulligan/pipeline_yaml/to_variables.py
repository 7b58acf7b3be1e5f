"""`variables` to start parameters (spec/bkci-yaml-and-plugins.md §1.5)."""

from mulligan.pipeline_yaml.fields import Fields, Json, Origins, plain, present, scalar
from mulligan.pipeline_yaml.tree import Node

TYPES = {
    "vuex-input": "string",
    "vuex-textarea": "textarea",
    "selector": "enum",
    "checkbox": "multiple",
    "boolean": "boolean",
    "git-ref": "git_ref",
    "svn-tag": "svn_tag",
    "repo-ref": "repo_ref",
    "code-lib": "code_lib",
    "container-type": "container_type",
    "artifactory": "artifactory",
    "sub-pipeline": "sub_pipeline",
    "custom-file": "custom_file",
    "form-list": "form_list",
    "tips": "tips",
    "time-picker": "date",
    "company-staff-input": "string",
    "password": "password",
    "date": "date",
    "long": "long",
}


def read_variables(root: Fields, origins: Origins) -> list[Json]:
    """Return the start parameters in their order."""
    return [
        origins.mark(_parameter(name, item, root.version), item)
        for name, item in root.members("variables")
        if name != "template"
    ]


def _parameter(name: str, item: Node, version: str) -> Json:
    if not isinstance(item.content, dict):
        return {
            "id": name,
            "name": name,
            "required": True,
            "type": "string",
            "defaultValue": _value(item),
        }
    part = Fields(item, version)
    props = part.part("props")
    constant = part.flag("const")
    box = props.part("container-type")
    made = present(
        {
            "id": name,
            "name": part.text("name") or props.text("label") or props.text("name") or name,
            "label": props.text("label"),
            "desc": props.text("description"),
            "category": props.text("group"),
            "options": [_option(each) for each in props.parts("options")],
            "displayCondition": {key: scalar(each) for key, each in part.members("if")},
            "payload": _plain(props, "payload"),
            "repoHashId": props.text("repo-id"),
            "scmType": props.text("scm-type"),
            "relativePath": props.text("relative-path"),
            "containerType": present({"buildType": box.text("build-type"), "os": box.text("os")}),
            "glob": props.text("filter-rule"),
            "properties": {key: scalar(each) for key, each in props.members("metadata")},
            "fields": _plain(props, "fields"),
        }
    )
    made |= {
        "type": _type(props),
        "required": part.flag("allow-modify-at-startup", default=not constant),
        "defaultValue": _value(item.content["value"]) if "value" in item.content else "",
    }
    flags = {
        "constant": constant,
        "readOnly": constant or part.flag("readonly"),
        "valueNotEmpty": part.flag("value-not-empty") or props.flag("required"),
        "sensitive": part.flag("sensitive"),
        "asInstanceInput": part.flag("as-instance-input"),
        "enableVersionControl": props.flag("version-control"),
    }
    return made | {key: True for key, value in flags.items() if value}


def _type(props: Fields) -> str:
    word = props.text("type", "vuex-input")
    if word == "selector" and props.flag("multiple"):
        return "multiple"
    return TYPES[word]


def _plain(part: Fields, key: str) -> object:
    found = part.get(key)
    return None if found is None else plain(found)


def _value(node: Node) -> object:
    if isinstance(node.content, list):
        return ",".join(scalar(item) for item in node.content)
    return plain(node) if isinstance(node.content, dict) else scalar(node)


def _option(part: Fields) -> Json:
    if not isinstance(part.node.content, dict):
        return {"key": part.node.text, "value": part.node.text}
    key = part.text("id")
    return present({"key": key, "value": part.text("label", key), "desc": part.text("description")})
