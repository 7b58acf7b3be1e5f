"""Tests over HTTP against a real server process, written from the published documents only."""
