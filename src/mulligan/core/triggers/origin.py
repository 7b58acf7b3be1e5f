"""What started a run, as the run remembers it."""

import msgspec

from mulligan.core.ids import StepId


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The trigger that started a run and, of code triggers, the event.

    Args:
        trigger: Id of the trigger; "" when the hook itself starts the pipeline.
        hook: Id of the hook that brought the event; "" of other triggers.
        check: The host is told how the run goes.
    """

    trigger: StepId = StepId("")
    element: str = ""
    hook: str = ""
    host: str = ""
    event: str = ""
    repository: str = ""  # full name
    repository_id: str = ""
    url: str = ""  # of the repository
    commit: str = ""
    branch: str = ""
    tag: str = ""
    merge_request: str = ""  # number in its project
    merge_request_id: str = ""
    page: str = ""  # where people see what happened
    message: str = ""
    check: bool = False

    @property
    def same_request(self) -> tuple[str, str]:
        """Return what is equal for all events of one merge request; "" in it = of none."""
        return self.repository, self.merge_request
