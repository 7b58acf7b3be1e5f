"""Identifiers: one NewType each, so that a type checker tells a stage from a step."""

import re
from typing import NewType

ProjectId = NewType("ProjectId", str)  # English name, e.g. "shop"
PipelineId = NewType("PipelineId", str)  # "p-" + 32 hex
RunId = NewType("RunId", str)  # "b-" + 32 hex; the same over all attempts
StageId = NewType("StageId", str)  # "stage-2" …, position in the definition
JobId = NewType("JobId", str)  # "1", "2" …, position over the whole definition
StepId = NewType("StepId", str)  # "e-" + 32 hex
UserName = NewType("UserName", str)
RunnerName = NewType("RunnerName", str)

SYSTEM = UserName("system")  # who acts when a timer or a rule does

RUN_ID = re.compile(r"b-[0-9a-f]{32}")
PIPELINE_ID = re.compile(r"p-[0-9a-f]{32}")
STEP_ID = re.compile(r"e-[0-9a-f]{32}")
# lower-case letter, then letters, digits, "-"; at most 32 (spec/bkci-build-api.md §2.5)
PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
