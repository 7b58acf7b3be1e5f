"""Linked repositories: the forms of this API, by `@type`."""

from typing import NamedTuple

from mulligan.core.errors import InvalidError
from mulligan.core.items import LinkedRepository
from mulligan.core.run import Run
from mulligan.engine.repositories import GivenRepository
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.times import Json, millis, present


class _Form(NamedTuple):
    """What a kind of server is called elsewhere. `number`: the type of its commits."""

    scm_type: str
    scm_code: str
    number: int


FORMS = {
    "codeSvn": _Form("CODE_SVN", "SVN", 1),
    "codeGit": _Form("CODE_GIT", "GIT", 2),
    "codeGitLab": _Form("CODE_GITLAB", "GITLAB", 3),
    "github": _Form("GITHUB", "GITHUB", 4),
    "codeTGit": _Form("CODE_TGIT", "TGIT", 5),
    "codeP4": _Form("CODE_P4", "P4", 6),
    "scmGit": _Form("SCM_GIT", "SCM_GIT", 7),
    "scmSvn": _Form("SCM_SVN", "SCM_SVN", 8),
}
_GIT = "codeGit"
_REST = ("projectName", "authType", "svnType", "gitProjectId", "scmCode", "enablePac")
REPOSITORY_TYPES = {"ID": "ID", "NAME": "NAME"}


def read_repository(body: object) -> GivenRepository:
    """Read a `Repository`.

    Raises:
        InvalidError: Its type is unknown, or something has another shape.
    """
    part = read_object(body)
    form = part.text("@type").strip()
    if form not in FORMS:
        raise InvalidError(
            f"@type is {form[:100]!r}; one of {', '.join(FORMS)} was expected",
            pointer="/@type",
            code="bad-value",
            values=("@type",),
        )
    return GivenRepository(
        name=part.text("aliasName").strip(),
        url=part.text("url").strip(),
        host_kind=form,
        secret=part.text("credentialId").strip(),
        user=part.text("userName").strip(),
        extra={key: part.value[key] for key in _REST if part.value.get(key) is not None},
    )


def render_repository(item: LinkedRepository) -> Json:
    """Show a repository as its form."""
    return present(
        {
            "@type": item.host_kind or _GIT,
            "aliasName": item.name,
            "url": item.url,
            "credentialId": item.secret,
            "userName": item.user,
            "projectName": item.extra.get("projectName", ""),
            "projectId": item.project,
            "repoHashId": item.id,
            **{key: value for key, value in item.extra.items() if key in _REST},
        }
    )


def render_repository_info(item: LinkedRepository) -> Json:
    """Show a repository in a list."""
    form = FORMS.get(item.host_kind, FORMS[_GIT])
    return present(
        {
            "repositoryId": item.number,
            "repositoryHashId": item.id,
            "aliasName": item.name,
            "url": item.url,
            "type": form.scm_type,
            "createdTime": millis(item.created_at),
            "updatedTime": millis(item.updated_at),
            "createUser": item.created_by,
            "scmCode": item.extra.get("scmCode") or form.scm_code,
        }
    )


def fits(item: LinkedRepository, scm_type: str | None, scm_code: str | None) -> bool:
    """Tell whether a repository is of the wanted kind."""
    form = FORMS.get(item.host_kind, FORMS[_GIT])
    code = item.extra.get("scmCode") or form.scm_code
    return scm_type in {None, form.scm_type} and scm_code in {None, code}


_COMMIT = "BK_CI_GIT_REPO_HEAD_COMMIT_ID"
_FACTS = {
    _COMMIT: "commit",
    "BK_CI_GIT_REPO_HEAD_COMMIT_AUTHOR": "committer",
    "BK_CI_GIT_REPO_HEAD_COMMIT_COMMENT": "comment",
    "BK_CI_GIT_REPO_URL": "url",
}


def render_commits(run: Run, repositories: tuple[LinkedRepository, ...]) -> list[Json]:
    """Show the commits that the checkouts of a run took, by repository."""
    by_step: dict[str, Json] = {}
    for name, field in _FACTS.items():
        for write in run.writes.get(name, ()):
            if write.writer != "start":
                by_step.setdefault(write.writer, {})[field] = write.value
    linked = {item.url: item for item in repositories}
    found = []
    for job in run.index.all_jobs():
        for step in job.steps:
            facts = by_step.get(step.id)
            if facts and step.kind == "checkout" and facts.get("commit"):
                found.append(_commits_of(run, step.id, facts, linked.get(facts.get("url", ""))))
    return found


def _commits_of(run: Run, step: str, facts: Json, item: LinkedRepository | None) -> Json:
    name = item.name if item is not None else facts.get("url", "")
    form = FORMS.get(item.host_kind if item is not None else _GIT, FORMS[_GIT])
    record = {
        "type": form.number,
        "pipelineId": run.head.pipeline,
        "buildId": run.head.id,
        "repoId": item.id if item is not None else None,
        "repoName": name,
        "elementId": step,
        **facts,
    }
    return {"name": name, "elementId": step, "records": [present(record)]}
