"""Interfaces, addresses and routes of a network namespace, by rtnetlink and without any program.

Neither the task's images nor the machine need have `ip`. A `Netlink` acts on the network namespace of the
thread that made it. Only the few requests are here that `namespace.py` needs; each waits for the kernel's
answer and raises OSError with the kernel's error number. Numbers are those of linux/rtnetlink.h,
linux/if_link.h and linux/veth.h, which are part of the kernel's ABI.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

_NLMSG_ERROR = 2
_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 17, 18, 20, 24
_REQUEST, _ACK, _REPLACE, _EXCLUSIVE, _CREATE = 0x1, 0x4, 0x100, 0x200, 0x400
_NESTED = 0x8000
_IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 3, 5, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_VETH_INFO_PEER = 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_PRIORITY = 1, 6
_MAIN_TABLE, _BY_HAND, _ANYWHERE, _UNREACHABLE = 254, 4, 0, 7
_LAST = 4096
_UP = 0x1
_SCOPE_LINK = 253

_ANSWER_TIMEOUT_S = 5.0
"""The kernel answers within the call that sends; only a broken kernel would make us wait."""


class Netlink:
    """A connection to the kernel about the network namespace of the thread that opens it."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._socket.settimeout(_ANSWER_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def add_pair(self, name: str, peer: str, peer_namespace: int) -> None:
        """Make two interfaces that are the ends of one wire; this end is up, as far as that goes alone.

        Args:
            name: of the end that is here.
            peer: name of the other end.
            peer_namespace: descriptor of the network namespace in which the other end is.
        """
        other_end = _link_header(0, 0) + _text(_IFLA_IFNAME, peer) + _number(_IFLA_NET_NS_FD, peer_namespace)
        details = _attribute(_VETH_INFO_PEER, other_end)
        kind = _text(_IFLA_INFO_KIND, "veth") + _attribute(_IFLA_INFO_DATA | _NESTED, details)
        body = _link_header(0, _UP) + _text(_IFLA_IFNAME, name) + _attribute(_IFLA_LINKINFO | _NESTED, kind)
        self._ask(_RTM_NEWLINK, _ACK | _CREATE | _EXCLUSIVE, body)

    def remove_link(self, name: str) -> None:
        """Remove an interface; the other end of its wire goes with it."""
        self._ask(_RTM_DELLINK, _ACK, _link_header(0, 0) + _text(_IFLA_IFNAME, name))

    def set_up(self, name: str) -> None:
        """Bring an interface up."""
        self._ask(_RTM_NEWLINK, _ACK, _link_header(0, _UP) + _text(_IFLA_IFNAME, name))

    def switch(self, index: int, *, up: bool) -> None:
        """Bring the interface of this number up or down; routes at the other end of its wire stay."""
        header = struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, index, _UP if up else 0, _UP)
        self._ask(_RTM_NEWLINK, _ACK, header)

    def other_end(self, name: str) -> int:
        """Return the number of the interface at the other end of a wire, in the namespace where that is."""
        found = self._ask(_RTM_GETLINK, 0, _link_header(0, 0) + _text(_IFLA_IFNAME, name))
        place = 16
        while place + 4 <= len(found):
            length, kind = struct.unpack_from("=HH", found, place)
            if kind == _IFLA_LINK:
                number: int = struct.unpack_from("=i", found, place + 4)[0]
                return number
            place += max(length + 3 & ~3, 4)
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    def add_address(self, name: str, address: IPv4Address, peer: IPv4Address) -> None:
        """Give an interface an address, with one other address that is reached through it and no more."""
        header = struct.pack("=BBBBi", socket.AF_INET, 32, 0, _SCOPE_LINK, self._index_of(name))
        body = header + _attribute(_IFA_LOCAL, address.packed) + _attribute(_IFA_ADDRESS, peer.packed)
        self._ask(_RTM_NEWADDR, _ACK | _CREATE | _EXCLUSIVE, body)

    def refuse(self, address: IPv4Address) -> None:
        """Have an address refused while no interface leads there; otherwise the default route would."""
        header = struct.pack(
            "=BBBBBBBBI", socket.AF_INET, 32, 0, 0, _MAIN_TABLE, _BY_HAND, _ANYWHERE, _UNREACHABLE, 0
        )
        body = header + _attribute(_RTA_DST, address.packed) + _number(_RTA_PRIORITY, _LAST)
        self._ask(_RTM_NEWROUTE, _ACK | _CREATE | _REPLACE, body)

    def _index_of(self, name: str) -> int:
        # Not socket.if_nametoindex: that looks in the namespace of the thread, which may have moved on.
        found = self._ask(_RTM_GETLINK, 0, _link_header(0, 0) + _text(_IFLA_IFNAME, name))
        index: int = struct.unpack_from("=i", found, 4)[0]
        return index

    def _ask(self, kind: int, flags: int, body: bytes) -> bytes:
        self._socket.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | flags, 1, 0) + body)
        answer = self._socket.recv(65536)
        (answer_kind,) = struct.unpack_from("=H", answer, 4)
        content = answer[16:]
        if answer_kind == _NLMSG_ERROR:
            (number,) = struct.unpack_from("=i", content)
            if number:
                raise OSError(-number, os.strerror(-number))
        return content


def _link_header(index: int, flags: int) -> bytes:
    return struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, index, flags, flags)


def _attribute(kind: int, content: bytes) -> bytes:
    padding = -len(content) % 4
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(padding)


def _text(kind: int, text: str) -> bytes:
    return _attribute(kind, text.encode() + b"\0")


def _number(kind: int, number: int) -> bytes:
    return _attribute(kind, struct.pack("=I", number))
