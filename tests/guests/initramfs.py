"""The first file system of a guest: a newc cpio archive, made without root and without cpio."""

import pathlib
import stat
import subprocess


class Initramfs:
    """Files by their path in the guest; the folders above them come by themselves."""

    def __init__(self) -> None:
        self._archive = bytearray()
        self._known: set[str] = set()

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        self._add(path, stat.S_IFREG | mode, text.encode())

    def file(self, path: str, source: pathlib.Path, mode: int = 0o755) -> None:
        self._add(path, stat.S_IFREG | mode, source.read_bytes())

    def link(self, path: str, target: str) -> None:
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def program(self, path: str, source: pathlib.Path) -> None:
        """With the libraries that it is linked with."""
        self.file(path, source)
        self.libraries(source)

    def library(self, source: pathlib.Path) -> None:
        """Where it is on this machine: a file once, links for its other names, for what is loaded as two files is there
        twice. With the libraries that it is linked with."""
        real = source.resolve()
        self.file(str(real), real)
        if real != source:
            self.link(str(source), str(real))
        self.libraries(real)

    def libraries(self, of: pathlib.Path) -> None:
        for line in subprocess.run(["ldd", str(of)], check=True, capture_output=True, text=True).stdout.splitlines():
            path = next((word for word in line.split() if word.startswith("/")), None)
            if path is not None and path not in self._known:
                self.library(pathlib.Path(path))

    def bytes(self) -> bytes:
        end = Initramfs()
        end._entry("TRAILER!!!", 0, b"")
        return bytes(self._archive + end._archive)

    def _add(self, path: str, mode: int, content: bytes) -> None:
        if path in self._known:
            return
        for folder in reversed(pathlib.PurePosixPath(path).parents):
            if str(folder) not in self._known and str(folder) != "/":
                self._known.add(str(folder))
                self._entry(str(folder), stat.S_IFDIR | 0o755, b"")
        self._known.add(path)
        self._entry(path, mode, content)

    def _entry(self, path: str, mode: int, content: bytes) -> None:
        """Documentation/driver-api/early-userspace/buffer-format.rst of Linux: thirteen numbers, name, content."""
        name = path.lstrip("/").encode() + b"\0"
        numbers = (len(self._archive) + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        self._archive += b"070701" + b"".join(b"%08X" % number for number in numbers) + name
        self._archive += bytes(-len(self._archive) % 4) + content
        self._archive += bytes(-len(self._archive) % 4)
