"""What is said about the BK-CI calls that are tools: texts, and the parameters of the common ones.

A parameter is written `name` or `name*` (needed); with a type when it is no text: `page:int`.
"""

from typing import Final

import msgspec

BUILD: Final = "buildId* pipelineId"
LOGS: Final = "buildId* pipelineId debug:bool tag stepId jobId containerHashId executeCount:int"


class Said(msgspec.Struct, frozen=True):
    """What a tool says about its call. `body`: of the body, "" = it has none."""

    text: str
    query: str = ""
    body: str = ""


# Tools that are offered unless all are: what a build needs from its start to its repair.
COMMON: Final[dict[str, Said]] = {
    "build_start": Said(
        "Start a build of a pipeline.",
        "pipelineId* buildNo:int",
        "Start parameters: an object of names and texts. May be empty.",
    ),
    "build_stop": Said("Cancel a build; asked again after a minute it ends by force.", BUILD),
    "build_retry": Said(
        "Repair a build in place: retry it whole, retry one failed stage, job or plugin (taskId), "
        "only the failed jobs of a stage (failedContainer), or skip a failed plugin (skip). What "
        "has succeeded outside of that is kept.",
        "buildId pipelineId buildNumber:int taskId failedContainer:bool skip:bool",
    ),
    "build_restart": Said("Cancel a build and start it anew with the same parameters.", BUILD),
    "build_status": Said("Status of a build with its variables.", BUILD),
    "build_detail": Said("The whole model of one attempt of a build.", f"{BUILD} executeCount:int"),
    "build_list": Said(
        "History of builds of a pipeline, newest first.",
        "pipelineId* page:int pageSize:int status:list trigger:list startUser:list "
        "buildNoStart:int buildNoEnd:int",
    ),
    "build_list_simple": Said(
        "History of builds, fewer fields.", "pipelineId* page:int* pageSize:int* status:list"
    ),
    "batch_get_build_status": Said(
        "Status of up to 100 builds.", "pipelineId", "A list of build ids."
    ),
    "build_startInfo": Said("Start form: the parameters of a pipeline.", "pipelineId*"),
    "build_failed_tasks": Said("Failed plugins of a build.", f"{BUILD} executeCount:int"),
    "build_variables_value": Said(
        "Values of variables of a build.", BUILD, "A list of 1 to 50 names."
    ),
    "update_remark": Said("Set the remark of a build.", BUILD, '{"remark": text}'),
    "build_stage_start": Said(
        "Approve a stage that waits for a review, or refuse it (cancel).",
        "buildId* stageId* pipelineId cancel:bool",
        '{"reviewParams": [{"key", "value"}], "id": review group, "suggest": text}',
    ),
    "manual_review": Said(
        "Answer a review plugin.",
        "buildId* pipelineId elementId stepId",
        '{"status": "PROCESS" or "ABORT", "suggest": text, "params": [{"key", "value"}]}',
    ),
    "pause_build_execute": Said(
        "Let a paused plugin go on, or stop it.",
        BUILD,
        '{"taskId", "isContinue": true or false, "stageId", "containerId"}',
    ),
    "log_init": Said(
        "The first lines of a log, up to 10,000. Prefer log_more with num for long ones.",
        f"{LOGS} reverse:bool logType",
    ),
    "log_more": Said(
        "Lines of a log by number; num from one end of them.",
        f"{LOGS} start:int* end:int* num:int fromStart:bool",
    ),
    "log_after": Said("Lines of a log from a number on.", f"{LOGS} start:int*"),
    "log_line_num": Said("The number of the last line of a build's log.", "pipelineId* buildId*"),
    "pipeline_list": Said("Pipelines of a project.", "page:int pageSize:int filterByPipelineName"),
    "pipeline_get": Said("The model of a pipeline.", "pipelineId*"),
    "pipeline_status": Said("A pipeline with its latest build.", "pipelineId*"),
    "pipeline_search_by_name": Said("Find pipelines by name.", "pipelineName*"),
    "pipeline_lock": Said("Lock or unlock a pipeline.", "pipelineId* enable:bool*"),
    "project_list": Said("Projects that the caller sees."),
}
# They only read, although they are sent with POST.
READING_POSTS: Final = frozenset(
    {
        "batch_get_build_status",
        "build_variables_value",
        "build_startOptions",
        "pipeline_batch_get",
        "list_projects_by_conditions",
    }
)
# Answers of people: tools only when the server allows it.
REVIEWS: Final = frozenset({"build_stage_start", "manual_review", "pause_build_execute"})
# They answer with a file.
FILES: Final = frozenset({"log_download", "pipeline_export", "pipeline_export_all"})
_TYPES: Final = {"int": "integer", "bool": "boolean", "": "string"}


def query_schema(text: str) -> dict[str, object]:
    """Give the JSON Schema of `query_param` for what is written above."""
    properties: dict[str, object] = {}
    needed = []
    for word in text.split():
        name, _, kind = word.replace("*", "").partition(":")
        if word.endswith("*"):
            needed.append(name)
        properties[name] = (
            {"type": "array", "items": {"type": "string"}}
            if kind == "list"
            else {"type": _TYPES[kind]}
        )
    return {"type": "object", "properties": properties, "required": needed}
