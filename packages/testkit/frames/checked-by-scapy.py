# What scapy, which knows nothing of our builders, finds wrong in frames. In come lines of hex, the fragments of a packet in one
# line; out goes a line for each, empty where nothing is wrong. It puts every layer together anew without lengths and
# checksums, and compares what it then calculates with what was there.

import logging
import sys

logging.getLogger("scapy").setLevel(logging.CRITICAL)

from scapy.layers import dhcp, dhcp6, ipsec, sctp, vrrp  # noqa: F401
from scapy.layers.inet import IP, UDP, defragment
from scapy.layers.inet6 import IPv6, defragment6
from scapy.layers.l2 import ARP, Ether
from scapy.main import load_contrib
from scapy.packet import NoPayload
from scapy.plist import PacketList

for protocol in ("igmp", "igmpv3", "lldp", "mpls"):
    load_contrib(protocol)

CALCULATED = ("chksum", "cksum", "len", "plen", "ihl", "dataofs")


def reassembled(frames):
    if len(frames) == 1:
        return frames[0]
    packets = [Ether(frame) for frame in frames]
    if IP in packets[0]:
        (whole,) = defragment(PacketList(packets))
        return bytes(whole)
    # It drops the Ethernet header. One without addresses would be filled in, by asking the network.
    first = packets[0]
    whole = defragment6(PacketList([packet[IPv6] for packet in packets]))
    return bytes(Ether(src=first.src, dst=first.dst, type=0x86DD) / whole)


def wrong_in(frame):
    given = Ether(frame)
    bare = given.copy()
    for layer in layers(bare):
        for field in calculated(layer):
            del layer.fields[field]
        layer.raw_packet_cache = None
    problems = []
    for was, ought in zip(layers(given), layers(Ether(bytes(bare)))):
        if type(was) is not type(ought):
            return f"{was.name} is built as {ought.name}"
        for field in calculated(was):
            is_, should = getattr(was, field), getattr(ought, field)
            if is_ != should:
                problems.append(f"{was.name}.{field} is {is_}, and should be {should}")
    return "; ".join(problems)


def layers(packet):
    while not isinstance(packet, NoPayload):
        yield packet
        packet = packet.payload


def calculated(layer):
    if isinstance(layer, ARP):
        return []
    # RFC 768: zero says that there is no checksum.
    without = ["chksum"] if isinstance(layer, UDP) and layer.chksum == 0 else []
    return [name for name in CALCULATED if name in layer.fields and name not in without]


for line in sys.stdin:
    print(wrong_in(reassembled([bytes.fromhex(text) for text in line.split()])))
