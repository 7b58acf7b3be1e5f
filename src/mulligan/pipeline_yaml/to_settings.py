"""The rest of the file to a `PipelineSetting` (spec/bkci-yaml-and-plugins.md §1.2, 1.9, 1.10)."""

from mulligan.pipeline_yaml.fields import Fields, Json, present
from mulligan.pipeline_yaml.shapes import V2

DIALECTS = {"CLASSIC": "CLASSIC", "CONSTRAINT": "CONSTRAINED"}
CANCEL = {"BROAD": "EXECUTE_PERMISSION", "RESTRICTED": "RESTRICTED"}
NOTICE_TYPES = {
    "email": "EMAIL",
    "wework-message": "RTX",
    "wework-chat": "WEWORK_GROUP",
    "sms": "SMS",
    "voice": "VOICE",
}
# A key of `concurrency`: member of the setting, default.
NUMBERS = {
    "queue-length": ("maxQueueSize", 10),
    "queue-timeout-minutes": ("waitQueueTimeMinute", 480),
    "max-parallel": ("maxConRunningQueueSize", 200),
}
VERSION_STRATEGIES = {
    "plus1-when-success": "SUCCESS_BUILD_INCREMENT",
    "plus1-everytime": "EVERY_BUILD_INCREMENT",
    "invariable": "CONSISTENT",
}
VERSION_PARTS = {"major": "MajorVersion", "minor": "MinorVersion", "fix": "FixVersion"}
ACTOR = "${{ ci.actor }}"


def read_setting(root: Fields, name: str) -> Json:
    """Return the settings; all that the file can say is in it, the defaults included."""
    part = root.part("concurrency")
    lock = "GROUP_LOCK" if part.text("group") else "MULTIPLE"
    labels = root.texts("label")
    made: Json = {
        "pipelineName": name,
        "desc": root.text("desc"),
        "labelNames": labels,
        "runLockType": "LOCK" if root.flag("disable-pipeline") else lock,
        "concurrencyCancelInProgress": part.flag("cancel-in-progress"),
        "failIfVariableInvalid": root.flag("fail-if-variable-invalid"),
        "buildCancelPolicy": CANCEL[root.text("cancel-policy", "RESTRICTED")],
        "pipelineAsCodeSettings": _dialect(root),
        "buildNumRule": root.text("custom-build-num"),
        **_subscriptions(root),
    }
    if part.text("group"):
        made["concurrencyGroup"] = part.text("group")
    for key, (member, default) in NUMBERS.items():
        made[member] = part.whole(key, default)
    return made


def _dialect(root: Fields) -> Json:
    word = root.text("syntax-dialect", "INHERIT")
    if root.version == V2:
        word = "CONSTRAINT"
    if word == "INHERIT":
        return {"enable": True, "inheritedDialect": True}
    return {"enable": True, "inheritedDialect": False, "pipelineDialect": DIALECTS[word]}


def _subscriptions(root: Fields) -> Json:
    made: dict[str, list[Json]] = {"successSubscriptionList": [], "failSubscriptionList": []}
    for notice in root.parts("notices"):
        when = notice.text("if", "ALWAYS")
        subscription = present(
            {
                "types": [NOTICE_TYPES[word] for word in notice.texts("type")],
                "users": ",".join(notice.texts("receivers") or [ACTOR]),
                "groups": notice.texts("groups"),
                "content": notice.text("content") or notice.text("title"),
                "title": notice.text("title"),
                "ccs": ",".join(notice.texts("ccs")),
                "wechatGroup": ",".join(notice.texts("chat-id")),
                "wechatGroupFlag": bool(notice.texts("chat-id")) or None,
                "wechatGroupMarkdownFlag": notice.text("content-format") == "markdown" or None,
                "detailFlag": notice.flag("attach-build-url") or None,
            }
        )
        if when in {"SUCCESS", "ALWAYS"}:
            made["successSubscriptionList"].append(subscription)
        if when != "SUCCESS":
            made["failSubscriptionList"].append(subscription)
    return dict(made)


def read_version(root: Fields) -> tuple[Json, list[Json]]:
    """Return `buildNo` and the parameters of the recommended version."""
    part = root.part("recommended-version")
    if not part.node.content or not part.flag("enabled", default=True):
        return {}, []
    number = part.part("build-no")
    shown = part.flag("allow-modify-at-startup")
    build_no = {
        "buildNo": number.whole("initial-value", 0),
        "buildNoType": VERSION_STRATEGIES[number.text("strategy", "plus1-everytime")],
        "required": shown,
    }
    if part.flag("as-instance-input"):
        build_no["asInstanceInput"] = True
    params = [
        {
            "id": name,
            "name": name,
            "type": "string",
            "required": shown,
            "defaultValue": part.text(key, "0"),
        }
        for key, name in VERSION_PARTS.items()
    ]
    return build_no, params
