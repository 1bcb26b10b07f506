// Capture files that tcpdump reads: pcap(5) of libpcap, version 2.4, Ethernet.

const MAGIC = 0xa1b2c3d4
const SNAP_SIZE = 262_144
const LINKTYPE_ETHERNET = 1

/** All frames in one file, a microsecond apart. */
export function pcap(frames: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.alloc(24)
  header.writeUInt32BE(MAGIC, 0)
  header.writeUInt16BE(2, 4)
  header.writeUInt16BE(4, 6)
  header.writeUInt32BE(SNAP_SIZE, 16)
  header.writeUInt32BE(LINKTYPE_ETHERNET, 20)
  const records = frames.flatMap((frame, i) => {
    const record = Buffer.alloc(16)
    record.writeUInt32BE(i, 4)
    record.writeUInt32BE(frame.length, 8)
    record.writeUInt32BE(frame.length, 12)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}
