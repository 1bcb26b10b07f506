# Numbered frames in a steady stream, and who counts those that come. A frame is a template that ends in MARK, the number of the
# stream (1 byte) and the number of the frame (4 bytes); the latter is written here, and the templates are taken in turn.
#
#   emit DEVICE RATE        in: a template a line, as hex; an empty line starts it; the end of standard input ends it
#                           out: ready; then {"batches": [[first number, when], …], "sent": N, "refused": N}
#   count DEVICE            in: the end of standard input ends it, when all that has come is read
#                           out: ready; then {"frames": [[stream, number, when], …], "missed": N}
#
# `when` is seconds of CLOCK_MONOTONIC. `missed` is what the kernel had no room for: of such a run nothing can be said.

import json
import select
import socket
import struct
import sys
import time

SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
MARK = b"pws"
MARK_SIZE = 8
NUMBER = struct.Struct("!I")
BATCH_S = 0.001
# Behind by more than that, it goes on from there: a burst would be lost for being one.
LAG_S = 0.02


def packet_socket(device, protocol):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((device, protocol))
    return made


def ended(timeout):
    return bool(select.select([sys.stdin], [], [], timeout)[0])


def emit(device, rate):
    templates = []
    for line in sys.stdin:
        if not line.strip():
            break
        templates.append(bytearray.fromhex(line))
    wire = packet_socket(device, 0)
    send, pack = wire.send, NUMBER.pack_into
    batches, number, refused = [], 0, 0
    begun, owed = time.monotonic(), 0
    print("ready", flush=True)
    while not ended(0):
        now = time.monotonic()
        due = int((now - begun) * rate)
        if due - owed > rate * LAG_S:
            owed = due - int(rate * LAG_S)
        batches.append((number, now))
        for _ in range(due - owed):
            frame = templates[number % len(templates)]
            pack(frame, len(frame) - NUMBER.size, number)
            try:
                send(frame)
            except OSError:
                refused += 1
            number += 1
        owed = due
        time.sleep(max(0, now + BATCH_S - time.monotonic()))
    return {"batches": batches, "sent": number, "refused": refused}


def count(device):
    wire = packet_socket(device, 0)
    wire.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
    wire.bind((device, ETH_P_ALL))
    wire.setblocking(False)
    frames = []
    print("ready", flush=True)
    over = False
    while True:
        readable, _, _ = select.select([wire] if over else [wire, sys.stdin], [], [], 0 if over else None)
        over = over or sys.stdin in readable
        if over and wire not in readable:
            break
        try:
            while True:
                frame = wire.recv(2048)
                if frame[-MARK_SIZE : -MARK_SIZE + len(MARK)] == MARK:
                    frames.append((frame[-5], NUMBER.unpack(frame[-NUMBER.size :])[0], time.monotonic()))
        except BlockingIOError:
            pass
    _, missed = struct.unpack("=II", wire.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return {"frames": frames, "missed": missed}


def main(what, device, rate="0"):
    print(json.dumps(emit(device, float(rate)) if what == "emit" else count(device)), flush=True)


main(*sys.argv[1:])
