"""Paths of the API's version 3: ids stand in the path; the calls are those of version 4.

Each is (method, path, (method, name in version 4)). Where clients are known to use another method
or form for the same act, both are taken.
"""

_BUILDS = "projects/{project}/pipelines/{pipelineId}/builds"
_BUILD = _BUILDS + "/{buildId}"
_PIPELINES = "projects/{project}/pipelines"
_PIPELINE = _PIPELINES + "/{pipelineId}"
_TEMPLATES = "projects/{project}/templates"
_INSTANCES = _TEMPLATES + "/{templateId}/templateInstances"

V3_PATHS: tuple[tuple[str, str, tuple[str, str]], ...] = (
    ("POST", f"{_BUILDS}/start", ("POST", "build_start")),
    ("GET", f"{_BUILDS}/manualStartupInfo", ("GET", "build_manual_startup_info")),
    ("GET", f"{_BUILDS}/history", ("GET", "build_histories")),
    ("POST", f"{_BUILD}/stop", ("POST", "build_stop")),
    ("DELETE", f"{_BUILD}/stop", ("POST", "build_stop")),
    ("POST", f"{_BUILD}/retry", ("POST", "build_retry")),
    ("POST", f"{_BUILD}/restart", ("POST", "build_restart")),
    ("GET", f"{_BUILD}/status", ("GET", "build_status")),
    ("GET", f"{_BUILD}/detail", ("GET", "build_detail")),
    ("POST", f"{_BUILD}/variables", ("POST", "build_variables")),
    ("POST", f"{_BUILD}/execute/pause", ("POST", "build_execute_pause")),
    (
        "POST",
        _BUILD + "/stages/{stageId}/manualStart",
        ("POST", "manual_start_build_stage"),
    ),
    ("GET", f"{_BUILD}/logs", ("GET", "logs/init_logs")),
    ("GET", f"{_BUILD}/logs/init", ("GET", "logs/init_logs")),
    ("GET", f"{_BUILD}/logs/more", ("GET", "logs/more_logs")),
    ("GET", f"{_BUILD}/logs/after", ("GET", "logs/after_line_logs")),
    ("GET", f"{_BUILD}/logs/download", ("GET", "logs/download_logs")),
    ("GET", f"{_BUILD}/logs/mode", ("GET", "logs/log_mode")),
    ("GET", _PIPELINES, ("GET", "pipelines/pipeline_list")),
    ("POST", _PIPELINES, ("POST", "pipelines/pipeline")),
    ("GET", _PIPELINE, ("GET", "pipelines/pipeline")),
    ("PUT", _PIPELINE, ("PUT", "pipelines/pipeline")),
    ("DELETE", _PIPELINE, ("DELETE", "pipelines/pipeline")),
    ("GET", f"{_PIPELINE}/status", ("GET", "pipelines/pipeline_status")),
    ("GET", f"{_PIPELINE}/setting", ("GET", "pipelines/setting")),
    ("PUT", f"{_PIPELINE}/setting", ("PUT", "pipelines/setting")),
    ("POST", f"{_PIPELINE}/copy", ("POST", "pipelines/pipeline_copying")),
    ("POST", f"{_PIPELINE}/name", ("POST", "pipelines/pipeline_name")),
    ("PUT", f"{_PIPELINE}/restore", ("PUT", "pipelines/pipeline_restore")),
    ("POST", f"{_PIPELINES}/batchGet", ("POST", "pipelines/pipeline_batch_get")),
    ("GET", f"{_TEMPLATES}/allTemplates", ("GET", "templates/all_templates")),
    ("GET", _TEMPLATES, ("GET", "templates")),
    ("POST", _TEMPLATES, ("POST", "templates")),
    ("GET", _TEMPLATES + "/{templateId}", ("GET", "templates/template_detail")),
    ("PUT", _TEMPLATES + "/{templateId}", ("PUT", "templates")),
    ("DELETE", _TEMPLATES + "/{templateId}", ("DELETE", "templates")),
    ("GET", _INSTANCES, ("GET", "templates/templateInstances")),
    ("POST", _INSTANCES, ("POST", "templates/templateInstances")),
    ("PUT", _INSTANCES, ("PUT", "templates/templateInstances")),
)
