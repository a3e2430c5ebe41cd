"""Makes one HTML file of a page and the files that it names, and of that a C++ source: embedded.hpp says what is in it.

usage: embed.py PAGE.html FILE... OUTPUT.cpp
"""

import base64
import hashlib
import pathlib
import re
import sys

_STYLE = re.compile(r'<link rel="stylesheet" href="([\w.]+)">')
_SCRIPT = re.compile(r'<script src="([\w.]+)"></script>')
_END = ')page"'  # of the raw string


class Page:
    """Each file comes in where the page names it; `hashes` are what a Content-Security-Policy allows by name."""

    def __init__(self, html: pathlib.Path, files: list[pathlib.Path]):
        self._files = {file.name: file.read_text() for file in files}
        self.hashes: dict[str, list[str]] = {"style": [], "script": []}
        text = _STYLE.sub(lambda match: self._inline("style", match[1]), html.read_text())
        self.text = _SCRIPT.sub(lambda match: self._inline("script", match[1]), text)
        if self._files:
            raise ValueError(f"{html} names no {' and no '.join(self._files)}")
        if _END in self.text:
            raise ValueError(f"{html} holds {_END}, which ends a string of C++")

    def _inline(self, element: str, name: str) -> str:
        """What stands between the tags, to the byte, is what is hashed."""
        text = "\n" + self._files.pop(name)
        if f"</{element}" in text:
            raise ValueError(f"{name} holds </{element}, which ends it")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        self.hashes[element].append(f"'sha256-{digest}'")
        return f"<{element}>{text}</{element}>"


def main(html: str, *files: str) -> None:
    *sources, output = map(pathlib.Path, files)
    page = Page(pathlib.Path(html), sources)
    pathlib.Path(output).write_text(
        '#include "control/page/embedded.hpp"\n\nnamespace synward::control {\n\n'
        f'const std::string_view kPageHtml{{R"page({page.text}{_END}}};\n'
        f'const std::string_view kPageStyles{{"{" ".join(page.hashes["style"])}"}};\n'
        f'const std::string_view kPageScripts{{"{" ".join(page.hashes["script"])}"}};\n\n'
        "}  // namespace synward::control\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
