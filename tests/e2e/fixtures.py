"""What every test in namespaces gets: a laboratory of its own, and a limit on its time."""

import os
import signal

import pytest

pytest.register_assert_rewrite("capture", "endpoint", "handmade", "impairment", "shield", "synward")  # they assert, too

import namespaces
from lab import Lab

TEST_SECONDS = 60  # @pytest.mark.seconds(N) for a test that needs more


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: the test loads the machine, or measures time: nothing runs beside it")
    config.addinivalue_line("markers", f"seconds(limit): the test may take `limit` seconds instead of {TEST_SECONDS}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is ended early still cleans up


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Ends a test that hangs, its fixtures included, so that the cleaning up still happens."""
    marker = item.get_closest_marker("seconds")
    limit = marker.args[0] if marker else TEST_SECONDS

    def out_of_time(*_: object) -> None:
        raise TimeoutError(f"the test is not done after {limit} s")

    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def privileges() -> None:
    """Fails, with one sentence, where namespaces cannot be made; a test that cannot run has not passed."""
    if os.geteuid() != 0:
        pytest.fail("end-to-end tests make network namespaces: run them as root", pytrace=False)
    namespaces.remove_leftovers()
    try:
        namespaces.Namespace(f"{namespaces.PREFIX}-{os.getpid()}-probe").close()
    except (namespaces.LabError, OSError) as refusal:
        pytest.fail(f"end-to-end tests need CAP_SYS_ADMIN and CAP_NET_ADMIN: {refusal}", pytrace=False)


@pytest.fixture
def lab(privileges: None, tmp_path):
    with Lab(tmp_path) as made:
        yield made
