"""Shop: a small service that quotes shelf prices."""

from importlib.resources import files

__version__ = files(__name__).joinpath("VERSION").read_text(encoding="utf-8").strip()
