"""Which paths belong to the services for plugins."""

import re

# With or without /ms, with slashes too many, as plugins in the field send them.
PATH = re.compile(r"/+(?:ms/+)?(?P<service>[a-z][a-z-]*)/+api/+build/+(?P<rest>.*)")


def is_platform_path(path: str) -> bool:
    """Tell whether a path belongs to the services for plugins."""
    return PATH.fullmatch(path) is not None
