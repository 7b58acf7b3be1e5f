"""Delete hooks of plugins: what is sent, and that little text can't stand for a lot."""

import pytest
from core_specs import step

from mulligan.core.plugin_hooks import MOST_SENT, DeleteHook, TooLargeError, delete_hook_of

URL = "bk_atom_del_hook_url"


def hook_of(**given: str) -> DeleteHook | None:
    """Give the request of a deleted step with these inputs."""
    deleted = step("a", kind="plugin", code="echo", inputs={"input": given})
    return delete_hook_of(deleted, {}, {"projectId": "shop"})


def test_up_to_the_bound_it_is_sent() -> None:
    """Placeholders may be many, and their values long."""
    word = "x" * 100
    places = "{word}" * (MOST_SENT // len(word))

    hook = hook_of(**{URL: "http://h/{word}", f"{URL}_body": places, "word": word})

    assert hook is not None
    assert (hook.url, hook.body) == (f"http://h/{word}", word * (MOST_SENT // len(word)))


@pytest.mark.parametrize("place", [URL, f"{URL}_body"])
@pytest.mark.parametrize("text", ["{word}" * 100_000, "{word}" + "y" * MOST_SENT, "y" * 70_000])
def test_what_would_be_huge_is_not_even_made(place: str, text: str) -> None:
    """A hundred thousand placeholders for a megabyte each would be a hundred gigabytes."""
    given = {URL: "http://h/", f"{URL}_body": "", "word": "x" * 1_000_000}

    with pytest.raises(TooLargeError):
        hook_of(**(given | {place: f"http://h/{text}"}))
