"""Linked repositories: what can't be fetched from is refused, in both languages."""

import pytest

from bkci.calling import Caller

PATH = "repositories/projects/{p}/repository"


@pytest.mark.parametrize(("language", "text"), [("zh", "代码库地址不可用"), ("en", "fetched")])
def test_unfit_addresses_are_refused(alice: Caller, language: str, text: str) -> None:
    """Neither linking nor changing takes them; nothing changes."""
    form = {"@type": "codeGit", "aliasName": "shop", "url": "https://127.0.0.1/shop.git"}
    made = alice.call("POST", PATH, form)
    ident = made["hashId"]
    bad = {**form, "url": "svn://svn.example.com/shop"}
    headers = {"Accept-Language": language}

    created = alice.send("POST", PATH, {**bad, "aliasName": "b"}, headers=headers)
    changed = alice.send("PUT", PATH, bad, headers=headers, repositoryHashId=ident)

    for status, answer in (created, changed):
        assert (status, answer["status"]) == (400, 2100015)
        assert text in answer["message"]
    assert alice.call("GET", f"{PATH}/{ident}", repositoryType="ID")["url"] == form["url"]
