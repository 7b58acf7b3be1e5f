"""One suite per port; every adapter goes through it."""
