"""The mails that people get. Pure."""

import msgspec

from mulligan.core.hold import failed_stage
from mulligan.core.ids import StepId
from mulligan.core.run import Run

_WORDS = {True: ("succeeded", "成功"), False: ("failed", "失败")}


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail without its address."""

    subject: str
    text: str


def result_mail(run: Run, pipeline: str, *, good: bool, url: str) -> Mail:
    """Tell how a run went, in English and Chinese.

    Args:
        pipeline: Its name.
        url: Where more can be seen; "" = not known.
    """
    head = run.head
    english, chinese = _WORDS[good]
    stage = None if good else failed_stage(head, run.index.spec)
    lines = [
        f"Pipeline {pipeline} (account {head.project}): run #{head.number} {english}.",
        f"流水线 {pipeline}（账号 {head.project}）：第 {head.number} 次执行{chinese}。",
    ]
    if stage is not None:
        lines += ["", f"Failed stage / 失败阶段: {stage.name or stage.id}"]
    return _mail(f"{pipeline} #{head.number} {english} / {chinese}", lines, url)


def review_mail(run: Run, step_id: StepId, pipeline: str, *, url: str) -> Mail:
    """Ask for the vote in a review; arguments as of `result_mail`."""
    head = run.head
    name = run.index.steps[step_id].name
    where = f"Pipeline {pipeline} (account {head.project})"
    lines = [
        f"{where}: run #{head.number} waits for your review in stage {name}.",
        f"流水线 {pipeline}（账号 {head.project}）：第 {head.number} 次执行等待您审核阶段 {name}。",
    ]
    return _mail(f"{pipeline} #{head.number} review / 审核: {name}", lines, url)


def _mail(subject: str, lines: list[str], url: str) -> Mail:
    return Mail(
        subject=f"[Mulligan] {subject}", text="\n".join([*lines, *(["", url] if url else []), ""])
    )
