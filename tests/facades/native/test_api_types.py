"""The types of the web page are those of the API."""

from pathlib import Path

from mulligan.facades.native.describe import described

TYPES = Path(__file__).parents[3] / "web" / "src" / "api" / "schema.d.ts"


def test_the_types_of_the_page_were_made_from_this_api() -> None:
    """The first line has the digest of the description; `npm run api` in web/ makes it anew."""
    first = TYPES.read_text("utf-8").partition("\n")[0]

    assert described()[0] in first, "the API changed: run `npm run api` in web/"
