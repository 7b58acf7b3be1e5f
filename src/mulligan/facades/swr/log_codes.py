"""Codes with which lines of logs begin, in the words of this dialect (§2.12)."""

from mulligan.engine.messages_sending import NO_MAIL, NO_SMS, NOT_SENT, NOT_TAKEN

_WORDS = {
    NOT_SENT: "SVCSTG.SWR.5001129 Failed to notify webhook!",
    NOT_TAKEN: "SVCSTG.SWR.4001130 Webhook returns abnormal response!",
    NO_MAIL: "SVCSTG.SWR.5001144 Failed to notify by mail!",
    NO_SMS: "SVCSTG.SWR.5001144 Failed to notify by SMS!",
    "cluster-unusable:": "SVCSTG.SWR.5004001:",
    "deployment-not-read:": "SVCSTG.SWR.5004002:",
    "deployment-not-changed:": "SVCSTG.SWR.5004003:",
    "statefulset-not-read:": "SVCSTG.SWR.5004005:",
    "statefulset-not-changed:": "SVCSTG.SWR.5004006:",
    "service-not-changed:": "SVCSTG.SWR.5004013:",
    "no-container-in-deployment:": "SVCSTG.SWR.4004007:",
    "no-container-in-statefulset:": "SVCSTG.SWR.4004008:",
}
_LEVEL = "##[error]"


def translated(text: str) -> str:
    """Give a line of a log with this dialect's number for the code that it begins with."""
    level = _LEVEL if text.startswith(_LEVEL) else ""
    code, space, rest = text.removeprefix(level).partition(" ")
    words = _WORDS.get(code)
    return text if words is None else f"{level}{words}{space}{rest}"
