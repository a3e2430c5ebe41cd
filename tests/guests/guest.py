"""A virtual machine in which synward drives the network cards that QEMU plays: their real drivers, on their real registers."""

import json
import os
import pathlib
import re
import select
import socket
import subprocess
import time

from frames import Frames, FrameSocket
from initramfs import Initramfs
from namespaces import LabError, Namespace
from synward import binary

# Debian's packages, unpacked by `./dev test`: QEMU, a kernel with its modules, busybox.
PACKAGES = pathlib.Path(os.environ.get("GUEST_PACKAGES", pathlib.Path(__file__).resolve().parents[2] / "build" / "guests"))
PLUGINS = pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0")
DRIVERS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_tap", "net_vmxnet3", "net_virtio")

# Of more than two, on a machine with as many, one boot in twenty waited for a timer for ever. Four workers share them.
_CPUS = 2
_LCORES = "0@0,1@1,2@0,3@1,4@0"

BOOT_SECONDS = 60.0
RUN_SECONDS = 30.0

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp /run /var; ln -s /run /var/run; chmod 755 /
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mkdir -p /dev/hugepages; mount -t hugetlbfs none /dev/hugepages
echo {huge_pages} >/proc/sys/vm/nr_hugepages
for module in {modules}; do insmod /modules/$module.ko; done
for device in /sys/bus/pci/devices/*; do
  case $(cat $device/class) in 0x0200*)
    echo {driver} >$device/driver_override
    echo ${{device##*/}} >/sys/bus/pci/drivers_probe;;
  esac
done
exec 3<>/dev/ttyS1  # closed between two of these, it would forget what came meanwhile
stty raw -echo <&3
echo @@0@@ >&3
sh /dev/ttyS1 </dev/null >&3 2>&1
poweroff -f
"""


def _only(pattern: str) -> pathlib.Path:
    found = sorted(PACKAGES.glob(pattern))
    if not found:
        raise LabError(f"{PACKAGES}/{pattern} is not there: `./dev test` unpacks it")
    return found[-1]


MODULES = {
    "uio_pci_generic": ("uio", "uio_pci_generic"),
    "vfio-pci": ("irqbypass", "vfio", "vfio_virqfd", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci"),
}


def _initramfs(driver: str) -> bytes:
    made = Initramfs()
    modules = ("tun", *MODULES[driver])
    for module in modules:
        made.file(f"/modules/{module}.ko", _only(f"lib/modules/*/kernel/**/{module}.ko"))
    made.file("/bin/busybox", _only("bin/busybox"))
    for name in ("synward", "synward-load"):
        made.program(f"/bin/{name}", pathlib.Path(binary()).with_name(name))
    for plugin in DRIVERS:
        made.library(PLUGINS / f"librte_{plugin}.so.23")
    made.text("/init", INIT.format(huge_pages=96, modules=" ".join(modules), driver=driver), 0o755)
    return made.bytes()


class Wire:
    """A cable between the test and a card of a guest, once the guest is there: datagrams of a frame each. Wants no root."""

    MACS = {"outside": "52:54:00:00:00:01", "inside": "52:54:00:00:00:02"}  # the test's own

    def __init__(self, folder: pathlib.Path, name: str):
        self._name, self._far, near = name, folder / f"{name}.far", folder / f"{name}.near"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(near))
        self.netdev = f"dgram,id={name},local.type=unix,local.path={self._far},remote.type=unix,remote.path={near}"

    def frames(self) -> FrameSocket:
        self._socket.connect(str(self._far))
        return FrameSocket(self._socket, self.MACS[self._name])


class Loop:
    """One of the two ends of a cable from a card of a guest to its other one: the test sees nothing of it."""

    ENDS = ("outside", "inside")

    def __init__(self, folder: pathlib.Path, name: str):
        here, there = (folder / f"{end}.loop" for end in (self.ENDS if name == self.ENDS[0] else self.ENDS[::-1]))
        self.netdev = f"dgram,id={name},local.type=unix,local.path={here},remote.type=unix,remote.path={there}"

    def frames(self) -> None:
        return None


class Tap:
    """The same as a wire with several queues, which only a TAP interface gives a virtio card: in a namespace, so it wants root."""

    def __init__(self, namespace: Namespace, name: str, queues: int):
        self._namespace, self._name = namespace, name
        self.netdev = f"tap,id={name},ifname={name},script=no,downscript=no,vhost=off,queues={queues}"

    def frames(self) -> FrameSocket:
        self._namespace.lend(self._name)
        return Frames(self._namespace, self._name)


class Guest:
    """A machine with two equal network cards, at the cables `outside` and `inside`: `card` is what QEMU calls them, with
    their properties. `inside_of` is a namespace, if QEMU must run in one for its cables. `driver` hands the cards over:
    uio_pci_generic, or vfio-pci through an IOMMU."""

    OUTSIDE, INSIDE = "0000:00:04.0", "0000:00:08.0"

    def __init__(
        self, folder: pathlib.Path, card: str, outside: Wire | Tap | Loop, inside: Wire | Tap | Loop, inside_of: Namespace | None = None, driver: str = "uio_pci_generic"
    ):
        self._folder, self._card, self._cables, self._inside_of, self._driver = folder, card, (outside, inside), inside_of, driver
        self._console = folder / "console.log"

    def __enter__(self) -> "Guest":
        self._folder.joinpath("initramfs").write_bytes(_initramfs(self._driver))
        shell, monitor = (socket.create_server(str(self._folder / name), family=socket.AF_UNIX) for name in ("shell", "monitor"))
        words = ["ip", "netns", "exec", self._inside_of.name] if self._inside_of else []
        words += [str(PACKAGES / "usr/bin/qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-display", "none"]
        for share in ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"):
            words += ["-L", str(PACKAGES / share)]
        words += ["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", str(_CPUS), "-m", "768"]
        words += ["-kernel", str(_only("boot/vmlinuz-*")), "-initrd", str(self._folder / "initramfs")]
        words += ["-append", "console=ttyS0 quiet panic=-1 mitigations=off intel_iommu=on", "-no-reboot"]
        if self._driver == "vfio-pci":
            words += ["-device", "intel-iommu,intremap=on"]
        words += ["-serial", f"file:{self._console}", "-serial", f"unix:{self._folder / 'shell'}"]
        words += ["-monitor", f"unix:{self._folder / 'monitor'}"]
        for name, cable, address in zip(("outside", "inside"), self._cables, (self.OUTSIDE, self.INSIDE)):
            slot = re.fullmatch(r"0000:00:(..)\.0", address)[1]
            words += ["-netdev", cable.netdev, "-device", f"{self._card},netdev={name},addr={slot},romfile="]
        libraries = ":".join(str(PACKAGES / lib / "x86_64-linux-gnu") for lib in ("usr/lib", "lib"))
        self._process = subprocess.Popen(words, env=os.environ | {"LD_LIBRARY_PATH": libraries})
        try:
            self._shell, self._monitor = (self._accept(listener) for listener in (shell, monitor))
            self._answer("booting", BOOT_SECONDS)
            self.outside, self.inside = (cable.frames() for cable in self._cables)
        except BaseException as failure:
            self.__exit__()
            console = self._console.read_text()[-2000:] if self._console.exists() else "it says nothing"
            raise LabError(f"the guest does not boot: {failure}; {console}") from failure
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @staticmethod
    def _accept(listener: socket.socket) -> socket.socket:
        with listener:
            listener.settimeout(BOOT_SECONDS)
            return listener.accept()[0]

    def link(self, name: str, state: str) -> None:
        """Pulls the cable `name` out ("off") or plugs it in ("on")."""
        self._monitor.sendall(f"set_link {name} {state}\n".encode())

    def run(self, command: str, seconds: float = RUN_SECONDS, check: bool = True) -> str:
        """What a command of the guest's shell printed; raises when it fails (with `check`) or takes too long."""
        self._shell.sendall(f"{{ {command}\n}} </dev/null; echo @@$?@@\n".encode())
        said, code = self._answer(command, seconds)
        if check and code != 0:
            raise LabError(f"{command}: exit code {code}: {said}")
        return said

    def _answer(self, to: str, seconds: float) -> tuple[str, int]:
        """What the shell says up to the exit code that closes each of its answers, and that."""
        deadline, said = time.monotonic() + seconds, b""
        while (answer := re.fullmatch(rb"(.*)@@(\d+)@@\n", said, re.DOTALL)) is None:
            readable, _, _ = select.select([self._shell], [], [], max(0.0, deadline - time.monotonic()))
            more = self._shell.recv(65536) if readable else b""
            if not more:
                raise LabError(f"{to}: not done after {seconds:g} s; said: {said.decode(errors='replace')}")
            said += more
        return answer[1].decode(), int(answer[2])

    def start(self, config: str, arguments: str = f"--lcores {_LCORES} --main-lcore 4") -> None:
        """synward, until its control socket answers; `arguments` are EAL's."""
        self.run(f"cat >/run/synward.toml <<'END'\n{config}\n[control]\nsocket = \"/run/synward.sock\"\nEND")
        self.run(f"synward run -c /run/synward.toml -- {arguments} >/run/log 2>&1 &")
        deadline = time.monotonic() + RUN_SECONDS
        while self.run("synward stats --socket /run/synward.sock >/dev/null 2>&1; echo $?") != "0\n":
            if time.monotonic() > deadline or not self.serves():
                raise LabError(f"synward does not start: {self.log()}; {self._console.read_text()[-2000:]}")
            time.sleep(0.1)

    def serves(self) -> bool:
        return self.run("pidof synward || true") != ""

    def log(self) -> str:
        return self.run("cat /run/log")

    def stats(self) -> dict:
        return json.loads(self.run("synward stats --json --socket /run/synward.sock"))

    def stop(self) -> str:
        """Ends synward as a person would, and returns all that it printed; it must account for every frame."""
        self.run("kill $(pidof synward); while pidof synward; do sleep 0.1; done >/dev/null")
        return self.log()
