# The raw side of a guest's device: Ethernet frames as lines of hex, both ways, until standard input ends.
#
#   in    HEX             sends the frame
#   out   ready           from now on nothing is missed
#         received HEX    a frame for the guest or its segment, VLAN tags included
#         sent            } one of them for each line that came in, in order
#         refused WHY     }
#
# packet(7). Tags: the kernel takes the outermost one off the bytes and tells it beside them (PACKET_AUXDATA).

import selectors
import socket
import struct
import sys

SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
ETH_P_8021Q = 0x8100
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
AUXDATA = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
ADDRESSES_SIZE = 12
FRAME_SIZE_MAX = 65536


def open_wire(device):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    wire.bind((device, ETH_P_ALL))
    return wire


def receive(wire):
    frame, ancillary, _, _ = wire.recvmsg(FRAME_SIZE_MAX, socket.CMSG_SPACE(AUXDATA.size))
    for level, kind, data in ancillary:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, _, _, _, _, tci, tpid = AUXDATA.unpack(data[: AUXDATA.size])
        if status & TP_STATUS_VLAN_VALID:
            tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else ETH_P_8021Q
            tag = struct.pack("!HH", tpid, tci)
            frame = frame[:ADDRESSES_SIZE] + tag + frame[ADDRESSES_SIZE:]
    return "received " + frame.hex()


def send(wire, line):
    try:
        wire.send(bytes.fromhex(line.decode()))
        return "sent"
    except (OSError, ValueError) as error:
        return f"refused {error}"


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(device):
    wire = open_wire(device)
    stdin = sys.stdin.buffer.raw
    events = selectors.DefaultSelector()
    events.register(wire, selectors.EVENT_READ)
    events.register(stdin, selectors.EVENT_READ)
    say("ready")
    pending = b""
    while True:
        for key, _ in events.select():
            if key.fileobj is wire:
                say(receive(wire))
                continue
            chunk = stdin.read(65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                say(send(wire, line))


main(sys.argv[1])
