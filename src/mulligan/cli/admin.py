"""`mulligan admin`: looking after a data directory while its server is stopped."""

import sys
from pathlib import Path

import click

from mulligan.cli.examples import EXAMPLE


@click.group(
    help="Look after a data directory (the server must be stopped).\n\n"
    + EXAMPLE
    + "mulligan admin check"
)
def admin() -> None:
    """Look after a data directory (the server must be stopped)."""


@admin.command(
    help="Write finished runs with mixed results, for capacity tests.\n\n"
    + EXAMPLE
    + "mulligan admin seed --project load --runs 1000"
)
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--project", required=True, help="Project that the runs belong to.")
@click.option("--runs", type=click.IntRange(1, 10_000_000), required=True)
@click.option("--pipelines", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--age-days", type=click.IntRange(0, 3650), default=30, show_default=True)
def seed(data: Path | None, project: str, runs: int, pipelines: int, age_days: int) -> None:
    """Write finished runs with mixed results, for capacity tests."""
    from mulligan.cli.serve import default_data
    from mulligan.store.lock import DataInUseError
    from mulligan.store.seed import seed_runs

    root = data or default_data()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        made = seed_runs(
            root / "mulligan.db", project, pipelines=pipelines, runs=runs, age_days=age_days
        )
    except DataInUseError as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    click.echo(f"{runs} runs of {len(made)} pipelines: {' '.join(made[:20])}")


@admin.command(
    help="Check every invariant of the store; one line per finding, exit 1 if there is one.\n\n"
    + EXAMPLE
    + "mulligan admin check"
)
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
def check(data: Path | None) -> None:
    """Check every invariant of the store; one line per finding, exit 1 if there is one."""
    from mulligan.cli.serve import default_data
    from mulligan.store.check import check as check_store
    from mulligan.store.lock import DataInUseError

    try:
        findings = check_store((data or default_data()) / "mulligan.db")
    except DataInUseError as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    for finding in findings:
        click.echo(finding)
    sys.exit(1 if findings else 0)


@admin.command(
    "stop-services",
    help="End the keeper and every deployed process that it runs; "
    "a server would start them again.\n\n" + EXAMPLE + "mulligan admin stop-services",
)
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
def stop_services(data: Path | None) -> None:
    """End the keeper and every deployed process that it runs; "
    "a server would start them again."""
    from mulligan.cli.serve import default_data
    from mulligan.executors.keeper.client import Keeper, KeeperError

    try:
        keeper = Keeper(data or default_data())
        services = keeper.list_services()
        keeper.shutdown()
    except KeeperError as error:
        click.echo(f"no keeper runs there: {error}", err=True)
        return
    for service in services:
        click.echo(f"ended: {service['key']} {service['slot']} {service['deployment']}")
