"""The trap table's check: a missing row, a test that is not there, an empty answer."""

import pathlib

import traps

TESTS = {"Cookie.RefusesAnEarlierSlot": '"Row"', "handshake_test.py::test_nc_connects": ""}


def table(**cells: str) -> str:
    rows = {str(number): "later: the proxy" for number in range(1, traps.TRAPS + 1)}
    rows |= {name.removeprefix("trap"): cell for name, cell in cells.items()}
    return "\n".join(f"| {number} | what goes wrong | {cell} |" for number, cell in rows.items() if cell != "-")


def test_tests_limits_and_later_parts_are_answers():
    readme = table(
        trap1="`Cookie.RefusesAnEarlierSlot`",
        trap2="`Cookie.RefusesAnEarlierSlot/Row`, `handshake_test.py::test_nc_connects`",
        trap3="limit: nothing can retransmit the SYN-ACK",
    )
    assert traps.problems(readme, TESTS) == []


def test_a_missing_row_is_found():
    assert traps.problems(table(trap7="-"), TESTS) == ["trap 7: no row"]


def test_a_test_that_does_not_exist_is_found():
    for name in ("Cookie.IsGone", "Cookie.RefusesAnEarlierSlot/NoSuchRow", "handshake_test.py::test_gone"):
        assert traps.problems(table(trap9=f"`{name}`"), TESTS) == [f"trap 9: no test is called {name}"]


def test_an_answer_that_says_nothing_is_found():
    for cell in ("", "limit:", "see the code"):
        assert len(traps.problems(table(trap11=cell), TESTS)) == 1


def test_names_are_read_from_the_tree(tmp_path: pathlib.Path):
    (tmp_path / "tests" / "e2e").mkdir(parents=True)
    (tmp_path / "tests" / "cookie_test.cpp").write_text("TEST_P(Cookie, Mints) {}\nTEST(Slot,\n     Rolls) {}\n")
    (tmp_path / "tests" / "e2e" / "lab_test.py").write_text("def test_ping():\n    pass\n")
    assert set(traps.existing_tests(tmp_path)) == {"Cookie.Mints", "Slot.Rolls", "lab_test.py::test_ping"}
