"""Mulligan: a self-hosted CI/CD pipeline server that repairs failed pipelines in place."""

__version__ = "0.1.0"
