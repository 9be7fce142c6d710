#!/usr/bin/python3
"""A model that looks at the packets of a capture one after the other, as Kitsune does: here a damped mean and variance
of packet sizes for each sender, and how far each packet is from them.

    detgen model check "cmd:python3 kitsune_like.py {pcap} {items} {out}" DATASET

Put your own packet model in place of the class Damped: what it gives for a packet goes to the packet's connection, and
a connection's score is its highest. Only Ethernet and IPv4 in pcap files are read, without any library.
"""
import csv
import math
import socket
import struct
import sys


class Damped:
    """A running mean and variance that forget with time: weights halve every 1/rate seconds."""

    def __init__(self, rate=1.0):
        self.rate, self.at, self.w, self.sum, self.squares = rate, None, 0.0, 0.0, 0.0

    def score(self, t, x):
        if self.at is not None:
            fade = 2 ** (-self.rate * max(t - self.at, 0))
            self.w, self.sum, self.squares = self.w * fade, self.sum * fade, self.squares * fade
        self.at = t
        if self.w > 0:
            mean = self.sum / self.w
            far = abs(x - mean) / math.sqrt(abs(self.squares / self.w - mean * mean) + 100)
        else:
            far = 0.0
        self.w, self.sum, self.squares = self.w + 1, self.sum + x, self.squares + x * x
        return far


def packets(path):
    """Time (s), protocol, source, destination and length of each IPv4 packet."""
    with open(path, "rb") as f:
        magic = f.read(24)[:4]
        order = "<" if magic[0] in (0x4D, 0xD4) else ">"
        fraction = 1e9 if 0x4D in (magic[0], magic[3]) else 1e6
        while head := f.read(16):
            seconds, part, have, length = struct.unpack(order + "IIII", head)
            frame = f.read(have)
            if frame[12:14] != b"\x08\x00" or len(frame) < 38:
                continue
            at = 14 + 4 * (frame[14] & 15)
            ports = struct.unpack(">HH", frame[at:at + 4]) if frame[23] in (6, 17) else (0, 0)
            ends = [(socket.inet_ntoa(frame[a:a + 4]), p) for a, p in ((26, ports[0]), (30, ports[1]))]
            yield seconds + part / fraction, frame[23], ends[0], ends[1], length


capture, items, out = sys.argv[1:4]
connections = {}  # protocol and ends -> (start, id), the latest last
for row in csv.DictReader(open(items)):
    ends = ((row["client"], int(row["client_port"])), (row["server"], int(row["server_port"])))
    connections.setdefault((int(row["protocol"]), frozenset(ends)), []).append((int(row["start"]) / 1e9, row["id"]))
scores = {item: 0.0 for known in connections.values() for _, item in known}
streams = {}
for t, protocol, source, destination, length in packets(capture):
    far = streams.setdefault(source[0], Damped()).score(t, length)
    begun = [c for c in connections.get((protocol, frozenset((source, destination))), []) if c[0] <= t + 0.001]
    if begun:
        item = max(begun)[1]
        scores[item] = max(scores[item], far)
with open(out, "w") as f:
    print("id,score", file=f)
    for item, s in scores.items():
        print(f"{item},{s!r}", file=f)
