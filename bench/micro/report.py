"""What the benchmarks that are scripts print alike: the machine, and tables."""

import datetime
import os
import pathlib
import platform
import re


def cpu_model() -> str:
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return model[1] if model else "unknown CPU"


def machine() -> str:
    """What a figure must be read with."""
    return f"{cpu_model()}, {len(os.sched_getaffinity(0))} processors, Linux {platform.release()}, {datetime.date.today()}"


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """As Markdown, the first column to the left."""
    for row in (head, ["---"] + ["---:"] * (len(head) - 1), *rows):
        print("| " + " | ".join(row) + " |", flush=True)
