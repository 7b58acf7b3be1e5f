"""Read input and output resources of a stage (spec/swr-pipeline-api.md §2.4)."""

from collections.abc import Sequence

from mulligan.facades.swr import names
from mulligan.facades.swr.errors import bad
from mulligan.facades.swr.fields import Fields, Json

MOST_RESOURCES = 50
_BAD_NAMESPACE = "SWR.4001028"
_BAD_REPOSITORY = "SWR.4001029"
_BAD_PACKAGE = "SWR.4001030"
_BAD_TAG = "SWR.4000016"
_NO_TAG = "SWR.4001021"
_TYPES = ("image", "package", "code_source")

# service_name -> what may go in, what may come out
_TAKES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "code_source": ((), ()),
    "jenkins_build": (("code_source", "package"), ("package",)),
    "dockerfile_build": (("code_source", "image", "package"), ("image",)),
    "test_review": ((), ()),
    "official_deploy": (("image", "package"), ()),
    "gray_deploy": (("image", "package"), ()),
    "unit_test": (("code_source", "package"), ("package",)),
    "performance_test": (("code_source", "package"), ("package",)),
    "multi_deploy": (("image", "package"), ()),
}
_ONE_IMAGE = frozenset({"official_deploy", "gray_deploy"})


def read_inputs(given: Fields, service: str, services: Sequence[str]) -> list[Json]:
    """Read the inputs of a stage.

    Args:
        services: `service_name` of all stages before it.
    """
    allowed = _TAKES[service][0]
    found = [
        _read_resource(each, allowed, services, is_output=False)
        for each in given.objects("input_resources", MOST_RESOURCES)
    ]
    images = [each for each in found if each["type"] == "image"]
    if service in _ONE_IMAGE and len(images) > 1:
        raise bad(given.at("input_resources"), f"{service} takes one image, not {len(images)}")
    _check_folders(found, given.at("input_resources"))
    return found


def read_outputs(given: Fields, service: str) -> list[Json]:
    """Read the outputs of a stage."""
    allowed = _TAKES[service][1]
    found = [
        _read_resource(each, allowed, (), is_output=True)
        for each in given.objects("output_resources", MOST_RESOURCES)
    ]
    if service == "dockerfile_build" and len(found) > 1:
        raise bad(given.at("output_resources"), f"an image build has one image, not {len(found)}")
    return found


def _read_resource(
    given: Fields, allowed: Sequence[str], services: Sequence[str], *, is_output: bool
) -> Json:
    name = given.filled("name")
    kind = given.choice("type", _TYPES)
    # further sources become folders of that name
    is_wrong = not names.is_file_name(name) if kind == "code_source" else names.has_control(name)
    if is_wrong or len(name) > names.LONGEST_DESCRIPTION:
        raise bad(given.at("name"), f"{name!r} is no name of a resource")
    if kind not in allowed:
        way = "an output" if is_output else "an input"
        raise bad(given.at("type"), f"{kind} can't be {way} of this stage")
    params = given.inner("params")
    read: Json
    if kind == "code_source":
        read = {"stage_index": _read_stage_index(params, services)}
    elif kind == "image":
        read = _read_image(params)
    else:
        read = _read_package(params, is_output=is_output)
    resource: Json = {"name": name}
    if given.has("description"):
        path = given.at("description")
        resource["description"] = names.check_description(given.text("description"), path)
    return resource | {"type": kind, "params": read}


def _read_stage_index(given: Fields, services: Sequence[str]) -> str:
    value = given.need("stage_index")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    path = given.at("stage_index")
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 4:
        raise bad(path, "must be the position of a stage as a text of digits")
    if int(text) >= len(services) or services[int(text)] != "code_source":
        raise bad(path, f"stage {text} is no earlier code_source stage")
    return text


def _read_image(given: Fields) -> Json:
    return {
        "namespace": read_namespace(given),
        "repository": read_repository(given),
        "tag": read_tag(given),
    }


def read_namespace(given: Fields) -> str:
    """Read an organisation."""
    text = given.text("namespace", wrong=_BAD_NAMESPACE)
    if not names.is_namespace(text):
        raise bad(given.at("namespace"), f"{text!r} is no organisation", _BAD_NAMESPACE)
    return text


def read_repository(given: Fields) -> str:
    """Read the name of an image repository."""
    text = given.text("repository", wrong=_BAD_REPOSITORY)
    if not names.is_repository(text):
        raise bad(given.at("repository"), f"{text!r} is no image repository", _BAD_REPOSITORY)
    return text


def read_tag(given: Fields) -> str:
    """Read the tag of an image."""
    text = given.text("tag", wrong=_BAD_TAG)
    if not text:
        raise bad(given.at("tag"), "must not be empty", _NO_TAG)
    if not names.is_tag(text):
        raise bad(given.at("tag"), f"{text!r} is no tag", _BAD_TAG)
    return text


def _read_package(given: Fields, *, is_output: bool) -> Json:
    package = given.text("package", wrong=_BAD_PACKAGE)
    if names.split_package(package) is None:
        reason = f"{package!r} is not <repository>%20<package>"
        raise bad(given.at("package"), reason, _BAD_PACKAGE)
    version = given.text("version")
    if not names.is_version(version):
        raise bad(given.at("version"), f"{version!r} is no version")
    read: Json = {"namespace": read_namespace(given), "package": package, "version": version}
    local = _read_path(given, "local_file_path", is_required=is_output)
    file = _read_path(given, "file_path", is_required=False)
    if is_output and not file:
        file = local.rstrip("/").rpartition("/")[2]
    return (
        read | ({"file_path": file} if file else {}) | ({"local_file_path": local} if local else {})
    )


def _read_path(given: Fields, key: str, *, is_required: bool) -> str:
    if not is_required and not given.text_or(key):
        return ""
    text = given.filled(key)
    if not names.is_safe_path(text):
        raise bad(given.at(key), f"{text!r} must be a relative path without ..")
    return text


def _check_folders(found: list[Json], path: str) -> None:
    """Check that the inputs which become folders have names of their own."""
    sources = [each["name"] for each in found if each["type"] == "code_source"][1:]
    if len(set(sources)) < len(sources):
        raise bad(path, "two code_source inputs have the same name")
