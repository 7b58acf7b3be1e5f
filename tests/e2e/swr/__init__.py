"""Tests of the SWR dialect over HTTP against a real server, from the published documents only."""
