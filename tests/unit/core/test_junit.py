"""Reports of tests in the JUnit format."""

from typing import Any
from xml.parsers import expat

import pytest

from mulligan.core import junit
from mulligan.core.junit import Case, cases_of

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="all">
  <testcase classname="shop.cart" name="adds"/>
  <testcase classname="shop.cart" name="removes"><failure message="2 != 3">trace</failure>
  </testcase>
  <testcase name="加"><error/></testcase>
  <testcase name="later"><skipped/></testcase>
  <testcase name="at last" time="0.25"><flakyFailure message="once"/></testcase>
  <testcase name="talks" time="no"><system-out><failure message="not one"/></system-out></testcase>
</testsuite></testsuites>""".encode()


def case(name: str, verdict: str, **more: Any) -> Case:
    """Return a case."""
    return Case(**{"suite": "", "name": name, "verdict": verdict, "message": ""} | more)


def test_cases() -> None:
    """Each case with its end; what lies deeper in it says nothing, nor a time that is no number."""
    assert cases_of(REPORT) == (
        case("adds", "passed", suite="shop.cart"),
        case("removes", "failure", suite="shop.cart", message="2 != 3"),
        case("加", "error"),
        case("later", "skipped"),
        case("at last", "passed", seconds=0.25, flaky=True),
        case("talks", "passed"),
    )


def test_first_bad_word_counts() -> None:
    """A case with several words about its end has failed, if one of them says so."""
    inner = b'<skipped message="a"/><failure message="b"/><error message="c"/><flakyError/>'
    report = b'<testsuite><testcase name="n">' + inner + b"</testcase></testsuite>"

    assert cases_of(report) == (case("n", "failure", message="b"),)


def test_long_texts_are_cut() -> None:
    """What programs of users say has bounds."""
    report = b'<testsuite><testcase name="%s"><failure/></testcase></testsuite>' % (b"n" * 5000)
    (found,) = cases_of(report) or ()
    assert len(found.name) == 300


def test_report_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report with more cases than are read is none."""
    monkeypatch.setattr(junit, "MOST_CASES", 5)

    assert cases_of(REPORT) is None


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"no xml",
        b"<html><testcase><failure/></testcase></html>",
        b"<testsuite><testcase>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>',
        b"<testsuite>" + b"<a>" * 200 + b"</a>" * 200 + b"</testsuite>",
        b'<?xml version="1.0" encoding="hex"?><testsuite/>',
        b'<?xml version="1.0" encoding="idna"?><testsuite/>',
        b'<?xml version="1.0" encoding="no-such"?><testsuite/>',
    ],
)
def test_no_report(report: bytes) -> None:
    """Everything else is none."""
    assert cases_of(report) is None


def test_long_tags_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser gets a report as a whole: in pieces, a long tag takes the square of its length."""
    given: list[tuple[int, bool]] = []
    create = expat.ParserCreate

    class Watched:
        """Notes what the parser gets."""

        def __init__(self) -> None:
            self.__dict__["parser"] = create()

        def __getattr__(self, name: str) -> Any:
            assert name == "Parse"
            return self.parse

        def __setattr__(self, name: str, value: object) -> None:
            setattr(self.__dict__["parser"], name, value)

        def parse(self, data: bytes, is_final: bool) -> int:
            """Note and pass on."""
            given.append((len(data), is_final))
            return int(self.__dict__["parser"].Parse(data, is_final))

    monkeypatch.setattr(expat, "ParserCreate", Watched)
    report = b'<testsuite><testcase name="%s"/></testsuite>' % (b"n" * 100_000)

    assert len(cases_of(report) or ()) == 1
    assert given == [(len(report), True)]
