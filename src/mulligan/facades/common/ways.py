"""Limits that every way in obeys."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes; see the settings of the same names."""

    stages: int = 20
    jobs_per_stage: int = 20
    steps_per_job: int = 20
    body_bytes: int = 16 * 1024 * 1024
    json_depth: int = 100
    header_bytes: int = 64 * 1024
    bkci_queue: int = 200
