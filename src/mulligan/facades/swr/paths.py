"""Which paths belong to this dialect; apart, so that the rest is loaded with its first request."""

_PREFIXES = ("/v3/manage", "/v2/manage", "/v3/auth", "/v3/projects")


def is_swr_path(path: str) -> bool:
    """Tell whether a path belongs to this dialect."""
    if not path.startswith(("/v3", "/v2")):
        return False
    whole = path.rstrip("/")
    return whole == "/v3" or any(
        whole == prefix or path.startswith(prefix + "/") for prefix in _PREFIXES
    )
