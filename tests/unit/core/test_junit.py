"""Reports of tests in the JUnit format."""

import pytest

from mulligan.core.junit import FailedCase, failed_cases

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="all">
  <testcase classname="shop.cart" name="adds"/>
  <testcase classname="shop.cart" name="removes"><failure message="2 != 3">trace</failure>
  </testcase>
  <testcase name="加"><error/></testcase>
  <testcase name="later"><skipped/></testcase>
  <testcase name="talks"><system-out><failure message="not one"/></system-out></testcase>
</testsuite></testsuites>""".encode()


def test_failed_cases() -> None:
    """Failures and errors of cases, nothing that merely looks like one."""
    assert failed_cases(REPORT) == (
        FailedCase(suite="shop.cart", name="removes", verdict="failure", message="2 != 3"),
        FailedCase(suite="", name="加", verdict="error", message=""),
    )


def test_long_texts_are_cut() -> None:
    """What programs of users say has bounds."""
    report = b'<testsuite><testcase name="%s"><failure/></testcase></testsuite>' % (b"n" * 5000)
    (case,) = failed_cases(report) or ()
    assert len(case.name) == 300


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"no xml",
        b"<html><testcase><failure/></testcase></html>",
        b"<testsuite><testcase>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>',
        b"<testsuite>" + b"<a>" * 200 + b"</a>" * 200 + b"</testsuite>",
    ],
)
def test_no_report(report: bytes) -> None:
    """Everything else is none."""
    assert failed_cases(report) is None
