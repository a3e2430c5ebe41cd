"""A client made by hand: scapy builds and reads the frames, a packet socket carries them."""

import socket
import time
from collections.abc import Callable

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from namespaces import LabError, Namespace

_ETH_P_ALL = 3


class FrameSocket:
    """Sends and receives whole Ethernet frames, one in a datagram of `cable`, as the station `mac`."""

    def __init__(self, cable: socket.socket, mac: str):
        self._socket, self.mac = cable, mac

    def close(self) -> None:
        self._socket.close()

    def send(self, *frames: Packet) -> None:
        """Sends them as they are; scapy fills in the lengths and checksums that are not set."""
        for frame in frames:
            self._socket.send(bytes(frame))

    def expect(self, wanted: Callable[[Packet], bool], seconds: float = 2.0) -> Packet:
        """The next frame to come in that is wanted; raises, naming what came instead, when none does."""
        deadline, others = time.monotonic() + seconds, []
        while (left := deadline - time.monotonic()) > 0:
            frame = self._receive(left)
            if frame is None:
                continue
            if wanted(frame):
                return frame
            others.append(frame.summary())
        raise LabError(f"no such frame within {seconds:g} s; came: {others}")

    def expect_none(self, unwanted: Callable[[Packet], bool], seconds: float = 0.5) -> None:
        """Raises when such a frame comes in while `seconds` pass."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            frame = self._receive(left)
            if frame is not None and unwanted(frame):
                raise LabError(f"an unwanted frame came: {frame.summary()}")

    def _receive(self, seconds: float) -> Packet | None:
        """The next frame that another sent, or None when time is up or the frame was our own."""
        self._socket.settimeout(seconds)
        try:
            octets, sender = self._socket.recvfrom(65536)
        except TimeoutError:
            return None
        return None if self._is_ours(sender) else Ether(octets)

    def _is_ours(self, _sender: object) -> bool:
        return False


class Frames(FrameSocket):
    """The same on one interface of a namespace."""

    def __init__(self, namespace: Namespace, interface: str):
        with namespace.entered():
            cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        cable.bind((interface, 0))
        super().__init__(cable, ":".join(f"{octet:02x}" for octet in cable.getsockname()[4]))

    def _is_ours(self, sender: object) -> bool:
        _, _, packet_type, _, _ = sender
        return packet_type == socket.PACKET_OUTGOING
