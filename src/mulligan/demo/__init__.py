"""The demonstration: a real project is built, fails, and is repaired in place."""
