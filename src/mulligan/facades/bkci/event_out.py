"""The event of a code host that started a run, as this API shows it."""

from mulligan.core.run import RunHead
from mulligan.facades.bkci.times import Json, present

SCM_TYPES = {"github": "GITHUB", "gitlab": "GITLAB", "tgit": "TGIT"}


def render_event(head: RunHead) -> Json | None:
    """Return the part of `webhookInfo` that tells of the event which started a run."""
    origin = head.origin
    if origin is None or not origin.host:
        return None
    return present(
        {
            "codeType": SCM_TYPES.get(origin.host, "GIT"),
            "nameWithNamespace": origin.repository or None,
            "webhookRepoUrl": origin.url or None,
            "webhookBranch": origin.branch or origin.tag or None,
            "webhookAliasName": origin.repository or None,
            "webhookType": SCM_TYPES.get(origin.host, "GIT"),
            "webhookEventType": origin.event or None,
            "webhookMessage": origin.message or None,
            "webhookCommitId": origin.commit or None,
            "tagName": origin.tag or None,
            "mrId": origin.merge_request_id or None,
            "mrIid": origin.merge_request or None,
            "mrUrl": origin.page if origin.merge_request else None,
            "linkUrl": origin.page or None,
        }
    )
