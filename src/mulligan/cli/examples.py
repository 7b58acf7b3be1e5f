"""How the help of a command shows how it is called."""

EXAMPLE = "\b\nExample:\n  "  # without wrapping
