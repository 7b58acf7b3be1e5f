"""Kind "source": the newest commit of a branch or tag, kept for later stages as `source.tar`.

Inputs: url, branch or tag, git_type. The credential of the URL reaches git by its environment
only; it is in no argument, file of the repository or message.
"""

import os
from urllib.parse import unquote, urlsplit

from mulligan.core.prepare import StepOrder
from mulligan.executors.ends import REPORT
from mulligan.executors.kinds.base import CannotRunError, Here, Program, own_program


def prepare(order: StepOrder, here: Here) -> Program:
    """Fetch the newest commit, whatever an earlier attempt has used."""
    url = str(order.inputs.get("url") or "").strip()
    branch = str(order.inputs.get("branch") or "").strip()
    tag = str(order.inputs.get("tag") or "").strip()
    if not url:
        raise CannotRunError("config", "the source has no URL of a repository")
    if bool(branch) == bool(tag):
        raise CannotRunError("config", "the source needs either a branch or a tag")
    work = {
        "act": "source",
        "url": url,
        "reference": "tag" if tag else "branch",
        "name": tag or branch,
        "private_targets": here.place.private_targets,
        "store": os.fspath(here.place.artifacts),
        "report": os.fspath(here.temp / REPORT),
    }
    return Program(
        argv=own_program(here, work),
        env=dict(here.base_env),
        cwd=here.workspace,
        secrets=secrets_in(url),
        leaves_files=True,
    )


def secrets_in(url: str) -> tuple[str, ...]:
    """Give the texts of a URL's credential, as they stand there and decoded."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ()
    user, separator, password = parts.netloc.rpartition("@")[0].partition(":")
    # a name without a password is a token, except for ssh
    token = "" if separator or parts.scheme not in ("http", "https") else user
    texts = [text for text in (password, token) if text]
    return tuple(dict.fromkeys(each for text in texts for each in (text, unquote(text))))
