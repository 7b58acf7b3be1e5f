"""Documents of this dialect as definitions of the catalog."""

from mulligan.core.spec import Dialect
from mulligan.engine.callbacks import check_url
from mulligan.engine.catalog import Definition
from mulligan.facades.bkci.callback_out import rules_of
from mulligan.facades.bkci.model_in import read_model
from mulligan.facades.common.ways import Limits
from mulligan.ports import Ids

DIALECT = "bkci"


def read_definition(
    document: object, *, limits: Limits, ids: Ids, dialect: Dialect = Dialect.CLASSIC
) -> Definition:
    """Read a BK-CI model.

    Raises:
        InvalidError: A rule of saving is broken.
    """
    spec, source = read_model(document, ids=ids, limits=limits, dialect=dialect)
    for rule in rules_of(source):
        check_url(rule.url)
    return Definition(
        spec=spec, dialect=DIALECT, source=source, description=str(source.get("desc") or "")
    )
