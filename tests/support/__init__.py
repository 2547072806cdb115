"""Builders, waiting for conditions, and real servers for tests."""
