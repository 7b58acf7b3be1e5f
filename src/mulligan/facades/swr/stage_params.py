"""Read the `params` of a stage by its type (spec/swr-pipeline-api.md §3).

Stage types of the console have no documented fields. Theirs, here (X):

- `unit_test`: `basic_env` (go, java, SelfPkgBuild, nodejs; req.), `test_shell` (script, req.),
  `user_basic_image` (with SelfPkgBuild), `pass_rate` (0 to 100, percent that must pass; default 0
  = only the script's exit counts), `report_path` (JUnit XML files, relative, `*` allowed).
- `performance_test`: the same, its rate is `success_rate`.
- `multi_deploy`: `mode` (`serial` or `parallel`, default serial), `tasks`: 1 to 20 objects
  `{name, deploy_mode, input_info}`, each what an `official_deploy` stage has.
- `template_deploy` (helm, AOS) is refused: nothing here can carry it out.
"""

from collections.abc import Callable

from mulligan.facades.swr import addresses, names
from mulligan.facades.swr.deploy_info import check_info
from mulligan.facades.swr.errors import SwrError, bad
from mulligan.facades.swr.fields import Fields, Json
from mulligan.facades.swr.resources_in import read_namespace, read_repository, read_tag
from mulligan.facades.swr.triggers_in import Rules

SERVICES = (
    "code_source",
    "jenkins_build",
    "dockerfile_build",
    "test_review",
    "official_deploy",
    "gray_deploy",
    "unit_test",
    "performance_test",
    "multi_deploy",
    "template_deploy",
)
_GIT_TYPES = ("github", "gitlab", "gitee", "devcloud")
_ENVIRONMENTS = ("go", "java", "SelfPkgBuild", "nodejs")
_OWN_IMAGE = "SelfPkgBuild"
_IMAGE_ENVIRONMENTS = (
    "dockerfile",
    "dockerfile_tomcat",
    "dockerfile_java",
    "dockerfile_go",
    "dockerfile_path",
)
_DEPLOY_MODES = ("cceMode", "cciMode")
_MOST_REVIEWERS = 20
_MOST_TASKS = 20
_LONGEST_REFERENCE = 255


def read_params(given: Fields, service: str, rules: Rules, stored: Json | None = None) -> Json:
    """Read the params of a stage.

    Args:
        stored: Those of the same stage before.

    Raises:
        SwrError: One is missing or wrong.
    """
    if service == "code_source":
        return _read_code_source(given, rules, stored or {})
    return _READERS[service](given)


# --- code_source ----------------------------------------------------------------------------------


def _read_code_source(given: Fields, rules: Rules, stored: Json) -> Json:
    git_type = given.choice("git_type", _GIT_TYPES)
    url = given.filled("url")
    old = stored.get("url", "")
    if addresses.HIDDEN in url and url == addresses.hide_password(old):
        url = old  # as it was shown: the credential stays
    _check_repository(url, given.at("url"), git_type, rules)
    reference = _read_reference(given)
    params: Json = {"git_type": git_type, "url": url, **reference}
    if given.has("code_trigger"):
        trigger = given.inner("code_trigger")
        params["code_trigger"] = {
            "trigger_tag_create_event": trigger.flag("trigger_tag_create_event"),
            "branchs": trigger.texts("branchs"),
        }
        params["code_hook"] = stored.get("code_hook") or {
            "id": rules.new_uuid(),
            "secret": rules.new_id(),
        }
    return params | {"git_repo": addresses.last_segment(addresses.plain(url))}


def _read_reference(given: Fields) -> Json:
    found = {key: given.text_or(key) for key in ("branch", "tag")}
    named = {key: value for key, value in found.items() if value}
    if len(named) != 1:
        raise bad(given.path, "needs exactly one of branch, tag")
    for key, value in named.items():
        wrong = value.startswith("-") or any(letter.isspace() for letter in value)
        if wrong or names.has_control(value) or len(value) > _LONGEST_REFERENCE:
            raise bad(given.at(key), f"{value!r} is no name of a {key}")
    return named


def _check_repository(url: str, path: str, git_type: str, rules: Rules) -> None:
    if names.has_control(url) or " " in url:
        raise bad(path, "must not hold blanks or control characters")
    if url.startswith("file://") and rules.allows_private:
        return
    if url.startswith("git@") and git_type == "devcloud":
        if not url.endswith(".git") or ":" not in url:
            raise bad(path, "must look like git@host:path.git")
        return
    parts = addresses.split(names.without_references(url))
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        form = "git@….git" if git_type == "devcloud" else "http(s)://….git"
        raise bad(path, f"must look like {form}")
    if not parts.path.rstrip("/").endswith(".git"):
        raise bad(path, "must end in .git")
    if not rules.allows_private and addresses.is_private(parts.hostname):
        raise bad(path, f"{parts.hostname!r} is a loopback, link-local or private address")


# --- builds ---------------------------------------------------------------------------------------


def _read_jenkins_build(given: Fields) -> Json:
    return {
        "basic_env": given.choice("basic_env", _ENVIRONMENTS),
        "enable_cache": given.flag("enable_cache", default=False),
        "jenkins_shell": given.filled("jenkins_shell"),
        **_read_image_of(given),
    }


def _read_image_of(given: Fields) -> Json:
    if given.raw("basic_env") != _OWN_IMAGE:
        return {}
    image = given.inner("user_basic_image")
    read: Json = {"namespace": read_namespace(image), "repository": read_repository(image)}
    if image.text_or("tag"):
        read["tag"] = read_tag(image)
    return {"user_basic_image": read}


def _read_dockerfile_build(given: Fields) -> Json:
    content, path = given.text_or("dockerfile_content"), given.text_or("dockerfile_path")
    if bool(content.strip()) == bool(path.strip()):
        raise bad(given.path, "needs exactly one of dockerfile_content, dockerfile_path")
    folder = given.text_or("build_path")
    for key, value in (("dockerfile_path", path), ("build_path", folder)):
        if value and not names.is_safe_path(value):
            raise bad(given.at(key), f"{value!r} must be a relative path without ..")
    default = "dockerfile_path" if path else "dockerfile"
    given_environment = given.text_or("basic_env")
    if given_environment:
        given.choice("basic_env", _IMAGE_ENVIRONMENTS)
    read: Json = {
        "basic_env": given_environment or default,
        "build_way": given.text_or("build_way") or "system_custom",
    }
    if folder:
        read["build_path"] = folder
    return read | ({"dockerfile_path": path} if path else {"dockerfile_content": content})


def _read_test_review(given: Fields) -> Json:
    mode = given.choice("review_mode", ("all", "one"))
    given.need("review_users")
    users: list[Json] = []
    for each in given.objects("review_users", _MOST_REVIEWERS):
        user = {"user_name": each.filled("user_name")}
        if each.text_or("email"):
            user["email"] = each.text("email")
        users.append(user)
    found = [user["user_name"] for user in users]
    if not found or len(set(found)) < len(found):
        raise bad(given.at("review_users"), "must be 1 to 20 users, none of them twice")
    return {"review_mode": mode, "review_users": users}


def _read_test(given: Fields, rate: str) -> Json:
    read: Json = {
        "basic_env": given.choice("basic_env", _ENVIRONMENTS),
        "test_shell": given.filled("test_shell"),
        rate: given.whole(rate, 0, 100) if given.has(rate) else 0,
        **_read_image_of(given),
    }
    report = given.text_or("report_path")
    if report and not names.is_safe_path(report):
        raise bad(given.at("report_path"), f"{report!r} must be a relative path without ..")
    if read[rate] and not report:
        raise bad(given.at("report_path"), f"is needed to find the {rate}")
    return read | ({"report_path": report} if report else {})


# --- deployments ----------------------------------------------------------------------------------


def _read_official(given: Fields) -> Json:
    info = given.text("input_info")
    mode = given.choice("deploy_mode", _DEPLOY_MODES)
    check_info(info, given.at("input_info"), is_gray=False)
    return {"deploy_mode": mode, "input_info": info}


def _read_gray(given: Fields) -> Json:
    info = given.text("input_info")
    mode = given.choice("deploy_mode", _DEPLOY_MODES)
    gray_mode = given.choice("gray_mode", ("istio", "service"))
    check_info(info, given.at("input_info"), is_gray=True)
    return {"deploy_mode": mode, "gray_mode": gray_mode, "input_info": info}


def _read_multi(given: Fields) -> Json:
    mode = given.choice("mode", ("serial", "parallel")) if given.has("mode") else "serial"
    given.need("tasks")
    tasks = [
        {"name": each.filled("name"), **_read_official(each)}
        for each in given.objects("tasks", _MOST_TASKS)
    ]
    found = [task["name"] for task in tasks]
    if not found or len(set(found)) < len(found):
        raise bad(given.at("tasks"), "must be 1 to 20 tasks, no name twice")
    return {"mode": mode, "tasks": tasks}


def _refuse_template(given: Fields) -> Json:
    raise SwrError(
        "SWR.4001143",
        f"{given.path}: template_deploy (helm, AOS) can't be carried out by this server;"
        " use official_deploy",
    )


_READERS: dict[str, Callable[[Fields], Json]] = {
    "jenkins_build": _read_jenkins_build,
    "dockerfile_build": _read_dockerfile_build,
    "test_review": _read_test_review,
    "official_deploy": _read_official,
    "gray_deploy": _read_gray,
    "unit_test": lambda given: _read_test(given, "pass_rate"),
    "performance_test": lambda given: _read_test(given, "success_rate"),
    "multi_deploy": _read_multi,
    "template_deploy": _refuse_template,
}
