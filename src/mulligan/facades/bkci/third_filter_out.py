"""What filters outside of the server are asked and answer (spec/bkci-model-and-engine.md §3.3)."""

import json

from mulligan.core.triggers.values import event_type
from mulligan.engine.third_filters import Question
from mulligan.facades.bkci.times import Json

TOKEN_HEADER = "X-DEVOPS-FILTER-TOKEN"  # noqa: S105 - the name of a header
_TYPE_HEADER = "X-DEVOPS-EVENT-TYPE"
_LINE_BREAKS = str.maketrans("", "", "\r\n\0")


class BkciFilterWords:
    """Implements `engine.third_filters.FilterWords`."""

    def ask(self, question: Question, secret: str) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the question."""
        kind = event_type(question.event)
        body: Json = {
            "projectId": question.project,
            "pipelineId": question.pipeline,
            "event": _read(question.payload),
            "changeFiles": None if question.event.paths is None else list(question.event.paths),
            "eventType": kind,
        }
        headers = {"Content-Type": "application/json", _TYPE_HEADER: kind.translate(_LINE_BREAKS)}
        if secret:
            headers[TOKEN_HEADER] = secret.translate(_LINE_BREAKS)
        return headers, json.dumps(body).encode()

    def accepts(self, answer: bytes) -> bool:
        """Tell whether an answer says yes: `{"match": true}`."""
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and found.get("match") is True


def _read(payload: str) -> object:
    """Give the payload as JSON; null when it was not kept whole."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
