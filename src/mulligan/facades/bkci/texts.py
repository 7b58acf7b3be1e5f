"""Texts that answers of this API show to people, in Chinese and English."""

from typing import NamedTuple

# Languages are "zh" and "en"; Chinese is the default of this API.
DEFAULT_LANGUAGE = "zh"


class Text(NamedTuple):
    """One text in all languages."""

    zh: str
    en: str

    def say(self, language: str) -> str:
        """Return the text in a language."""
        return self.en if language == "en" else self.zh


MANUALLY_SKIPPED = Text("被手动跳过", "Manually skipped")
QUEUE_TIMED_OUT = Text("排队超时，取消运行!", "Queue timed out, cancel run!")

# By `RunHead.start_kind`: what started a run.
_STARTS = {
    "manual": Text("手动触发", "Manual start"),
    "timer": Text("定时触发", "Timer start"),
    "webhook": Text("代码变更触发", "Webhook start"),
    "remote": Text("远程触发", "Remote start"),
    "pipeline": Text("流水线调用", "Pipeline start"),
    "service": Text("Openapi启动", "Openapi start"),
}
# Class of the trigger element; starts by API, pipeline and remote call all show the same.
_START_ELEMENTS = {
    "manual": "manualTrigger",
    "timer": "timerTrigger",
    "webhook": "codeGitWebHookTrigger",
}
# Start types in filters (spec/bkci-model-and-engine.md §2.15.1).
START_KINDS = {
    "MANUAL": "manual",
    "TIME_TRIGGER": "timer",
    "WEB_HOOK": "webhook",
    "SERVICE": "service",
    "PIPELINE": "pipeline",
    "REMOTE": "remote",
    "TRIGGER_EVENT": "trigger_event",
}


def start_text(kind: str, language: str) -> str:
    """Return the display text of what started a run."""
    return _STARTS.get(kind, _STARTS["service"]).say(language)


def start_element(kind: str) -> str:
    """Return the class of the trigger element that a start is shown as."""
    return _START_ELEMENTS.get(kind, "remoteTrigger")
