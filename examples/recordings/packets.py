"""Sends packets that the kernel drops, for record.sh: one process per reason, named after it.

Runs in the first of two network namespaces; `wire0` leads to `wire1` in the namespace `drops`, which
forwards to 10.2.0.0/24. Frames are made by hand where a socket would not send what is wanted.
"""

import ctypes
import errno
import os
import select
import socket
import struct
import subprocess
import sys
import time

HERE = bytes.fromhex("020000000001")
THERE = bytes.fromhex("020000000002")
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
SO_ATTACH_FILTER = 26


def checksum(data):
    """The Internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(payload, proto, src="10.1.0.1", dst="10.1.0.2", ttl=64, fragment=0, length=None, bad=False, version=0x45):
    """An IPv4 packet."""
    length = 20 + len(payload) if length is None else length
    addresses = socket.inet_aton(src) + socket.inet_aton(dst)
    head = struct.pack("!BBHHHBBH", version, 0, length, 7, fragment, ttl, proto, 0) + addresses
    total = checksum(head) ^ (0x5555 if bad else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def ip6(payload, proto, src="fd00:1::1", dst="fd00:1::2", hops=64, length=None):
    """An IPv6 packet."""
    length = len(payload) if length is None else length
    addresses = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    return struct.pack("!IHBB", 6 << 28, length, proto, hops) + addresses + payload


def udp(port, data=b"tracebee", total=0):
    """A UDP datagram; a checksum of 0 is none."""
    return struct.pack("!HHHH", 5000, port, 8 + len(data), total) + data


def tcp(port, flags, src="10.1.0.1", dst="10.1.0.2", bad=False, sequence=1, acknowledged=0):
    """A TCP segment without data."""
    head = struct.pack("!HHIIBBHHH", 5001, port, sequence, acknowledged, 0x50, flags, 8192, 0, 0)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(head))
    total = checksum(pseudo + head) ^ (0x1111 if bad else 0)
    return head[:16] + struct.pack("!H", total) + head[18:]


class Wire:
    """Puts frames on wire0."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("wire0", 0))

    def send(self, packet, kind=ETH_P_IP, to=THERE, times=1):
        for _ in range(times):
            self.socket.send(to + HERE + struct.pack("!H", kind) + packet)


def udp_closed():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for i in range(120):
            sender.sendto(b"x" * (i % 40), ("127.0.0.1", 9))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        for i in range(80):
            sender.sendto(b"x" * (i % 40), ("::1", 9))


def tcp_closed():
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for _ in range(60):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.connect_ex((address, 9))


def bad_checksums():
    wire = Wire()
    wire.send(ip4(udp(9, total=0x1234), 17), times=50)
    wire.send(ip4(tcp(80, 2, bad=True), 6), times=50)
    wire.send(ip4(udp(9), 17, bad=True), times=50)
    wire.send(ip4(struct.pack("!BBHHH", 8, 0, 0xBAD, 1, 1), 1), times=40)


def wrong_address():
    wire = Wire()
    wire.send(ip4(udp(9), 17), to=bytes.fromhex("0200000000ff"), times=60)
    wire.send(ip4(udp(9), 17, dst="239.1.2.3"), to=bytes.fromhex("01005e010203"), times=50)
    wire.send(ip6(udp(9, total=1), 17, dst="ff02::1234"), ETH_P_IPV6, bytes.fromhex("333300001234"), 60)
    wire.send(ip4(udp(9), 17, src="127.0.0.1"), times=40)
    wire.send(ip4(udp(9), 17, src="10.9.9.9"), times=50)


def strange_protocols():
    wire = Wire()
    wire.send(ip4(b"?" * 20, 253), times=50)
    wire.send(ip6(b"?" * 20, 253), ETH_P_IPV6, times=50)
    wire.send(b"?" * 46, 0x88B5, times=50)


def malformed():
    wire = Wire()
    wire.send(ip4(udp(9), 17, length=900), times=40)
    wire.send(ip4(udp(9), 17, version=0x42), times=40)
    wire.send(ip6(udp(9), 17, length=900), ETH_P_IPV6, times=40)
    wire.send(ip4(b"\0\1", 17), times=40)


def forwarding():
    wire = Wire()
    wire.send(ip4(udp(9), 17, dst="10.2.0.9", ttl=1), times=50)
    wire.send(ip4(udp(9, b"x" * 1300), 17, dst="10.2.0.9", fragment=0x4000), times=50)
    wire.send(ip4(udp(9), 17, dst="10.3.0.9"), times=50)
    wire.send(ip4(udp(9), 17, dst="10.4.0.9"), times=50)
    wire.send(ip4(udp(9), 17, dst="192.0.2.1"), times=50)
    wire.send(ip6(udp(9), 17, dst="fd00:9::1", hops=1), ETH_P_IPV6, times=50)


def no_neighbour():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(b"x" * 600, ("10.1.0.77", 9))
        # The kernel asks three times, a second apart, before it gives up.
        time.sleep(3.5)


def packet_filter():
    wire = Wire()
    for port in range(4000, 4010):
        wire.send(ip4(udp(port), 17), times=12)


def same_fragments():
    wire = Wire()
    for _ in range(40):
        wire.send(ip4(b"x" * 64, 17, fragment=0x2000))
        wire.send(ip4(b"y" * 64, 17, fragment=0x2002))


def picky_sockets():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        # One instruction, "ret #0": the socket wants nothing.
        program = struct.pack("HBBI", 6, 0, 0, 0)
        memory = ctypes.create_string_buffer(program, len(program))
        address = ctypes.addressof(memory)
        receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxQ", 1, address))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(80):
                sender.sendto(b"unwanted", receiver.getsockname())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(80):
                sender.sendto(b"x" * 500, receiver.getsockname())


def tcp_oddities():
    """Segments that no connection of the listener expects."""
    wire = Wire()
    for flags in (0x00, 0x01, 0x10, 0x29, 0x12, 0x03):
        wire.send(ip4(tcp(8080, flags), 6), times=12)
    clients = []
    for _ in range(24):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(("10.1.0.2", 8080))
        clients.append(client)
    select.select([], clients, [], 0.5)
    for client in clients:
        client.close()


def tcp_listener():
    """In the other namespace: a listener that accepts nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("10.1.0.2", 8080))
        listener.listen(1)
        print("ready", flush=True)
        sys.stdin.read()


def narrow_queue():
    """A token bucket that holds next to nothing."""
    shape = ["tbf", "rate", "20kbit", "burst", "1600", "limit", "3000"]
    subprocess.run(["tc", "qdisc", "add", "dev", "wire0", "root", *shape], check=True)
    wire = Wire()
    for _ in range(100):
        try:
            wire.send(ip4(udp(4000, b"x" * 400), 17))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
    subprocess.run(["tc", "qdisc", "del", "dev", "wire0", "root"], check=True)


def closed_unread():
    for _ in range(30):
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.send(b"never read")
        one.send(b"nor this")
        other.close()
        one.close()


PHASES = (
    ("udp-closed", udp_closed),
    ("tcp closed", tcp_closed),
    ("bad checksums", bad_checksums),
    ("wrong-address", wrong_address),
    ("odd [proto]", strange_protocols),
    ("malformed", malformed),
    ("forward-me", forwarding),
    ("filtered", packet_filter),
    ("same fragment", same_fragments),
    ("picky sockets", picky_sockets),
    ("tcp-oddities", tcp_oddities),
    ("narrow (tbf)", narrow_queue),
    ("unread: closed", closed_unread),
    ("nobody [001]", no_neighbour),
)


def run(name, phase):
    """Runs a phase in a process of that name."""
    child = os.fork()
    if child == 0:
        with open("/proc/self/comm", "w") as comm:
            comm.write(name)
        phase()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"packets.py: phase {name} failed")


def main():
    if sys.argv[1:] == ["listener"]:
        tcp_listener()
        return
    command = ["ip", "netns", "exec", "drops", sys.executable, __file__, "listener"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
        listener.stdout.readline()
        for name, phase in PHASES:
            run(name, phase)
        listener.stdin.close()


if __name__ == "__main__":
    main()
