"""Deliveries as code hosts send them: headers with proof, and bodies in the shapes of each host."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

Json = dict[str, Any]
Delivery = tuple[dict[str, str], bytes]  # headers, body

SECRET = "it is unlikely"
OLD, NEW = "1" * 40, "2" * 40
GITHUB_REPOSITORY: Json = {
    "id": 35129377,
    "name": "api",
    "full_name": "shop/api",
    "html_url": "https://github.example.com/shop/api",
    "clone_url": "https://github.example.com/shop/api.git",
    "ssh_url": "git@github.example.com:shop/api.git",
}


def push(**fields: Any) -> Json:
    """Give a push of one commit to main as GitHub and Gitea tell of it."""
    return {
        "ref": "refs/heads/main",
        "before": OLD,
        "after": NEW,
        "created": False,
        "deleted": False,
        "forced": False,
        "repository": GITHUB_REPOSITORY,
        "pusher": {"name": "ann", "email": "ann@example.com"},
        "sender": {"login": "ann", "id": 7},
        "commits": [
            {
                "id": NEW,
                "message": "Faster look-up",
                "url": "https://github.example.com/shop/api/commit/2",
                "author": {"name": "Ann", "username": "ann"},
                "added": ["src/index.py"],
                "modified": ["README.md"],
                "removed": [],
            }
        ],
        **fields,
    }


def pull_request(action: str = "opened", **fields: Any) -> Json:
    """Give a pull request of feature/a into main as GitHub tells of it."""
    pull = {
        "id": 34778301,
        "number": 12,
        "html_url": "https://github.example.com/shop/api/pull/12",
        "title": "Faster look-up",
        "body": "It was slow.",
        "merged": False,
        "merge_commit_sha": None,
        "user": {"login": "ann"},
        "labels": [{"name": "perf"}],
        "assignees": [{"login": "bob"}],
        "requested_reviewers": [{"login": "cid"}],
        "milestone": None,
        "head": {"ref": "feature/a", "sha": NEW, "repo": GITHUB_REPOSITORY},
        "base": {"ref": "main", "sha": OLD, "repo": GITHUB_REPOSITORY},
        **fields,
    }
    return {
        "action": action,
        "number": 12,
        "pull_request": pull,
        "repository": GITHUB_REPOSITORY,
        "sender": {"login": "ann"},
    }


GITLAB_PROJECT: Json = {
    "id": 15,
    "name": "api",
    "path_with_namespace": "shop/api",
    "web_url": "https://gitlab.example.com/shop/api",
    "git_http_url": "https://gitlab.example.com/shop/api.git",
    "git_ssh_url": "git@gitlab.example.com:shop/api.git",
}


def gitlab_push(**fields: Any) -> Json:
    """Give a push as GitLab tells of it."""
    return {
        "object_kind": "push",
        "before": OLD,
        "after": NEW,
        "ref": "refs/heads/main",
        "checkout_sha": NEW,
        "user_name": "Ann",
        "user_username": "ann",
        "project_id": 15,
        "project": GITLAB_PROJECT,
        "commits": [
            {
                "id": NEW,
                "message": "Faster look-up",
                "url": "https://gitlab.example.com/shop/api/-/commit/2",
                "author": {"name": "Ann"},
                "added": ["src/index.py"],
                "modified": [],
                "removed": ["old.py"],
            }
        ],
        "total_commits_count": 1,
        **fields,
    }


def gitlab_merge_request(action: str = "open", **fields: Any) -> Json:
    """Give a merge request as GitLab and TGit tell of it."""
    return {
        "object_kind": "merge_request",
        "user": {"name": "Ann", "username": "ann"},
        "project": GITLAB_PROJECT,
        "labels": [{"title": "perf"}],
        "object_attributes": {
            "id": 99,
            "iid": 4,
            "title": "Faster look-up",
            "description": "It was slow.",
            "source_branch": "feature/a",
            "target_branch": "main",
            "source": GITLAB_PROJECT,
            "target": GITLAB_PROJECT,
            "last_commit": {"id": NEW, "message": "Faster", "author": {"name": "Ann"}},
            "url": "https://gitlab.example.com/shop/api/-/merge_requests/4",
            "action": action,
            **fields,
        },
    }


def tgit_push(**fields: Any) -> Json:
    """Give a push as TGit tells of it: no project, the repository says less."""
    return {
        "object_kind": "push",
        "operation_kind": "update",
        "before": OLD,
        "after": NEW,
        "ref": "refs/heads/main",
        "checkout_sha": NEW,
        "user_name": "ann",
        "project_id": 64,
        "repository": {
            "name": "api",
            "homepage": "https://git.example.cn/shop/api",
            "git_http_url": "https://git.example.cn/shop/api.git",
            "git_ssh_url": "git@git.example.cn:shop/api.git",
        },
        "commits": [{"id": NEW, "message": "Faster look-up", "added": ["a"], "author": {}}],
        "total_commits_count": 1,
        **fields,
    }


def gitee_push(**fields: Any) -> Json:
    """Give a push as Gitee tells of it; the password stands in the body, too."""
    repository = {**GITHUB_REPOSITORY, "path_with_namespace": "shop/api"}
    return {
        **push(),
        "hook_name": "push_hooks",
        "password": SECRET,
        "project": repository,
        "repository": repository,
        "sender": {"login": "ann"},
        **fields,
    }


def gitee_merge_request(action: str, description: str = "") -> Json:
    """Give a pull request as Gitee tells of it."""
    return {
        **pull_request(action),
        "hook_name": "merge_request_hooks",
        "action_desc": description,
        "sender": {"login": "ann"},
    }


# --- proof ------------------------------------------------------------------------------------


def _body(content: object) -> bytes:
    return json.dumps(content).encode()


def _sha256(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(
    content: object, *, key: str = "d-1", event: str = "push", secret: str = SECRET
) -> Delivery:
    """Sign a delivery as GitHub does."""
    body = _body(content)
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": key,
        "X-Hub-Signature-256": f"sha256={_sha256(body, secret)}",
    }, body


def gitea(
    content: object, *, key: str = "d-1", event: str = "push", secret: str = SECRET
) -> Delivery:
    """Sign a delivery as Gitea does."""
    body = _body(content)
    return {
        "X-Gitea-Event": event,
        "X-Gitea-Delivery": key,
        "X-Gitea-Signature": _sha256(body, secret),
    }, body


def gitlab(content: object, *, key: str = "d-1", secret: str = SECRET) -> Delivery:
    """Send the secret as GitLab does."""
    headers = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": key, "X-Gitlab-Token": secret}
    return headers, _body(content)


def tgit(content: object, *, key: str = "d-1", secret: str = SECRET) -> Delivery:
    """Send the secret as TGit does."""
    return {"X-Event": "Push Hook", "X-TRACE-ID": key, "X-Token": secret}, _body(content)


def gitee(content: object, at: datetime, *, secret: str = SECRET) -> Delivery:
    """Sign the time as Gitee does."""
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return {
        "X-Gitee-Event": "Push Hook",
        "X-Gitee-Timestamp": stamp,
        "X-Gitee-Token": base64.b64encode(digest).decode(),
    }, _body(content)


def standard(content: object, at: datetime, *, key: str = "d-1", secret: str = SECRET) -> Delivery:
    """Sign a delivery as Standard Webhooks says."""
    body = _body(content)
    stamp = str(int(at.timestamp()))
    text = f"{key}.{stamp}.".encode() + body
    raw = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signature = base64.b64encode(hmac.new(raw, text, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,nonsense v1,{signature}",
    }, body
