"""Conditions and time limits of a model: the words of the API to those of the core."""

from collections.abc import Mapping

from mulligan.core.errors import InvalidError
from mulligan.core.secrets import names_secret
from mulligan.core.spec import Condition, RunWhen
from mulligan.facades.bkci.document import Part

# Characters (spec/bkci-model-and-engine.md §1.10).
LONGEST_CONDITION = 512
# Minutes: seven days, and what 0 stands for.
LONGEST_TIMEOUT = 10_080

_ON_VARIABLES = {
    "CUSTOM_VARIABLE_MATCH": RunWhen.VARIABLES,
    "CUSTOM_VARIABLE_MATCH_NOT_RUN": RunWhen.UNLESS_VARIABLES,
    "CUSTOM_CONDITION_MATCH": RunWhen.EXPRESSION,
}
STAGE_CONDITIONS = {"AFTER_LAST_FINISHED": RunWhen.SUCCESS, **_ON_VARIABLES}
JOB_CONDITIONS = {"STAGE_RUNNING": RunWhen.SUCCESS, **_ON_VARIABLES}
FINALLY_JOB_CONDITIONS = {
    "STAGE_RUNNING": RunWhen.SUCCESS,
    "PREVIOUS_STAGE_SUCCESS": RunWhen.PREVIOUS_SUCCEEDED,
    "PREVIOUS_STAGE_FAILED": RunWhen.PREVIOUS_FAILED,
    "PREVIOUS_STAGE_CANCEL": RunWhen.PREVIOUS_CANCELLED,
}
STEP_CONDITIONS = {
    "PRE_TASK_SUCCESS": RunWhen.SUCCESS,
    "PRE_TASK_FAILED_BUT_CANCEL": RunWhen.UNLESS_CANCELLED,
    "PRE_TASK_FAILED_EVEN_CANCEL": RunWhen.ALWAYS,
    "PRE_TASK_FAILED_ONLY": RunWhen.FAILURE,
    "PRE_TASK_FAILED_ONLY_EXCEPT_SKIP": RunWhen.HARD_FAILURE,
    "OTHER_TASK_RUNNING": RunWhen.SUCCESS,  # declared by the API, never given a meaning
    "PARENT_TASK_FINISH": RunWhen.PARENT_ENDED,
    "PARENT_TASK_CANCELED_OR_TIMEOUT": RunWhen.PARENT_CUT,
    **_ON_VARIABLES,
}
_EVERYWHERE = {**FINALLY_JOB_CONDITIONS, **JOB_CONDITIONS}


def read_condition(options: Part, words: Mapping[str, RunWhen]) -> Condition:
    """Read `runCondition` and what belongs to it.

    The variables and the expression are kept only where the condition looks at them.

    Raises:
        InvalidError: An unknown word, or an expression that is too long.
    """
    when = options.word("runCondition", words, RunWhen.SUCCESS)
    expression = options.text("customCondition")
    if len(expression) > LONGEST_CONDITION:
        raise InvalidError(
            f"the condition has {len(expression)} characters; {LONGEST_CONDITION} are allowed",
            pointer=options.at("customCondition"),
            code="condition-too-long",
            values=(str(LONGEST_CONDITION),),
        )
    _refuse_secrets(options, expression)
    if when is RunWhen.EXPRESSION:
        return Condition(when=when, expression=expression)
    if when in (RunWhen.VARIABLES, RunWhen.UNLESS_VARIABLES):
        return Condition(when=when, variables=options.pairs("customVariables"))
    return Condition(when=when)


def _refuse_secrets(options: Part, expression: str) -> None:
    """Refuse a condition on a secret: its result is stored and shown, so it would tell of it."""
    if names_secret(expression):
        raise InvalidError(
            f"{options.at('customCondition')} names a secret; conditions can't",
            pointer=options.at("customCondition"),
            code="secret-in-condition",
        )


def read_job_condition(options: Part, *, in_finally: bool) -> Condition:
    """Read the condition of a job; those on the stages before belong to the finally stage alone."""
    allowed = FINALLY_JOB_CONDITIONS if in_finally else JOB_CONDITIONS
    word = options.text("runCondition").strip()
    if word in _EVERYWHERE and word not in allowed:
        stage = "the finally stage" if in_finally else "any but the finally stage"
        raise InvalidError(
            f"the condition {word} can't be used in {stage}",
            pointer=options.at("runCondition"),
            code="condition-not-allowed",
            values=(word,),
        )
    return read_condition(options, allowed)


def read_paths(options: Part) -> tuple[str, ...]:
    """Read the paths of which one must have changed (our own field, from pipeline files)."""
    paths = (path.strip() for path in options.texts("ifModify"))
    return tuple(path for path in paths if path.strip("/"))


def read_timeout(options: Part, default_minutes: int) -> tuple[int, str]:
    """Read a time limit as (seconds, text with a variable); 0 minutes stand for seven days.

    Raises:
        InvalidError: A number of minutes that is negative or more than seven days.
    """
    minutes = options.whole("timeout", default_minutes)
    text = options.text("timeoutVar").strip()
    if text.lstrip("-").isdecimal():
        minutes, text = options.whole("timeoutVar", default_minutes), ""
    if not 0 <= minutes <= LONGEST_TIMEOUT:
        raise InvalidError(
            f"{options.at('timeout')} is {minutes}; 1 to {LONGEST_TIMEOUT} minutes are allowed",
            pointer=options.at("timeout"),
            code="timeout-range",
            values=(str(minutes), str(LONGEST_TIMEOUT)),
        )
    return (minutes or LONGEST_TIMEOUT) * 60, text
