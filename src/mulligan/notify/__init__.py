"""Adapters that send messages to other machines: HTTP requests and mail."""
