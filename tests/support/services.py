"""A missing service is skipped on a laptop and is an error in CI."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest


def needs_module(name: str) -> None:
    """Skip, or fail in CI, when the package is not installed."""
    if importlib.util.find_spec(name) is None:
        _missing(f"the package {name}")


def needs_program(*names: str) -> str:
    """The first of these programs on the PATH; skip, or fail in CI, when there is none."""
    for name in names:
        if found := shutil.which(name):
            return found
    _missing(f"a program ({' or '.join(names)})")
    raise AssertionError("unreachable")


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and in CI nothing may be missing")
    pytest.skip(f"{what} is missing")
