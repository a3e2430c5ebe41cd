"""For pytest, which looks for these here."""

from fixtures import lab, privileges, pytest_configure, pytest_runtest_protocol

__all__ = ["lab", "privileges", "pytest_configure", "pytest_runtest_protocol"]
