"""Tests of what the documents and the task runner promise."""
