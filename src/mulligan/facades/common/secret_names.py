"""Names that say that what has them is a secret."""

import re

WORDS = r"pass(?:word|wd|phrase)?|secret|token|credentials?|api[-_]?key|private[-_]?key|kubeconfig"
# also at the end of a name without anything between, as DBPASS; these are other words:
_OTHER_WORDS = r"(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!over)(?<!under)(?<!low)(?<!high)(?<!band)"
_SECRET_NAME = re.compile(
    rf"(?i)(?:^|[^a-z])(?:{WORDS}|pwd)(?:$|[^a-z])|password|secret|passwd|apikey"
    rf"|{_OTHER_WORDS}pass\d*$|token$"
)


def is_secret_name(name: str) -> bool:
    """Tell whether what has this name is probably a secret."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    if parted.lower().endswith(("_file", "_name", "_ref")):
        return False  # says where the secret is
    return _SECRET_NAME.search(parted) is not None
