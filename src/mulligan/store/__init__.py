"""Adapters of the store ports: in memory, and in an SQL database."""
