"""A link between two network namespaces that is slow, loses packets, and can be cut. Needs root, and /dev/net/tun.

    python3 link.py NAMESPACE ADDRESS NAMESPACE ADDRESS DELAY_SECONDS LOSS

It says "ready", and reads commands from its standard input: "cut", and "delay SECONDS LOSS". It ends with its input.
"""

import collections
import ctypes
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
MAXIMUM_PACKET = 65_536


def open_tunnel(namespace, address):
    # The file stays in the namespace that it was opened in.
    with open(f"/var/run/netns/{namespace}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH", b"wire", IFF_TUN | IFF_NO_PI))
    for command in (
        ["addr", "add", f"{address}/24", "dev", "wire"],
        ["link", "set", "wire", "up"],
        ["link", "set", "lo", "up"],
    ):
        subprocess.run(["ip", *command], check=True)
    return tunnel


def main():
    one, one_address, other, other_address, delay, loss = sys.argv[1:]
    delay, loss = float(delay), float(loss)
    ends = [open_tunnel(one, one_address), open_tunnel(other, other_address)]
    random.seed(0)
    under_way = collections.deque()
    is_cut = False
    print("ready", flush=True)
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], wait)
        now = time.monotonic()
        for end in ends:
            if end not in readable:
                continue
            packet = os.read(end, MAXIMUM_PACKET)
            if not is_cut and random.random() >= loss:
                under_way.append((now + delay, ends[1 - ends.index(end)], packet))
        if sys.stdin in readable:
            words = sys.stdin.readline().split()
            if not words:
                return
            if words[0] == "cut":
                is_cut = True
            else:
                delay, loss = float(words[1]), float(words[2])
        while under_way and under_way[0][0] <= time.monotonic():
            _, end, packet = under_way.popleft()
            try:
                os.write(end, packet)
            except BlockingIOError:
                pass  # A full queue loses packets, as those of a network do.


main()
