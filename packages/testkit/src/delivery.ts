// When a frame that came is the one that was sent. A switch may change more than nothing on the way and still deliver what was
// said: it takes tags off, bytes behind the packet too, and one that tracks connections puts fragments together and cuts them
// anew, under another identification (as Linux does with IPv6).

/**
 * What each frame says, as text that is equal where that is equal: without tags, without what is behind the packet, and where it
 * is a fragment, the packet that it makes with others of the frames. Undefined for a fragment whose packet they do not make.
 */
export function saidBy(frames: readonly Uint8Array[]): readonly (string | undefined)[] {
  const said = frames.map((frame) => partOf(bare(frame)))
  const sets = Map.groupBy(said, ({ key }) => key)
  const packets = new Map([...sets].map(([key, parts]) => [key, joined(parts)]))
  return said.map(({ key }) => packets.get(key))
}

/** The frame as it is, but for tags and what is behind the packet. */
export function bare(frame: Uint8Array): Uint8Array {
  let at = TYPE_AT
  while (TPIDS.has(u16(frame, at))) at += TAG_SIZE
  const untagged = Buffer.concat([frame.subarray(0, TYPE_AT), frame.subarray(at)])
  const end = packetEnd(untagged)
  return untagged.subarray(0, end ?? untagged.length)
}

const TYPE_AT = 12
const IP_AT = 14
const TAG_SIZE = 4
const TPIDS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])
const [IPV4, IPV6] = [0x0800, 0x86dd]
const [IPV4_HEADER, IPV6_HEADER] = [20, 40]

/** As its length field says; undefined where there is none, or none that can be true. */
function packetEnd(frame: Uint8Array): number | undefined {
  const type = u16(frame, TYPE_AT)
  if (type === IPV4) {
    const end = IP_AT + u16(frame, IP_AT + 2)
    return end >= IP_AT + IPV4_HEADER && end <= frame.length ? end : undefined
  }
  if (type === IPV6) {
    const end = IP_AT + IPV6_HEADER + u16(frame, IP_AT + 4)
    return end <= frame.length ? end : undefined
  }
  return undefined
}

/** A part of a packet: what is in front of all parts, and these bytes from here. What is no fragment is the only part of its own. */
type Part = {
  readonly key: string
  readonly head: Uint8Array
  readonly at: number
  readonly data: Uint8Array
  readonly more: boolean
}

function partOf(frame: Uint8Array): Part {
  const type = u16(frame, TYPE_AT)
  if (type === IPV4) return ofIpv4(frame)
  if (type === IPV6) return ofIpv6(frame)
  return whole(frame)
}

function whole(frame: Uint8Array): Part {
  return { key: hex(frame), head: frame, at: 0, data: new Uint8Array(), more: false }
}

/** RFC 791, 3.1. Lengths and checksum are those of the part, so they are left out; likewise of what is no part. */
function ofIpv4(frame: Uint8Array): Part {
  const [length, cut, checksum] = [IP_AT + 2, IP_AT + 6, IP_AT + 10]
  const field = u16(frame, cut)
  const [more, at] = [(field & 0x2000) !== 0, (field & 0x1fff) * 8]
  if (!more && at === 0) return whole(without(frame, length, checksum))
  const end = IP_AT + ((frame[IP_AT] ?? 0) & 15) * 4
  const head = without(frame.subarray(0, end), length, cut, checksum)
  return { key: hex(head), head, at, data: frame.subarray(end), more }
}

/** RFC 8200, 4.5: behind the headers that are in front of each fragment. */
function ofIpv6(frame: Uint8Array): Part {
  const length = IP_AT + 4
  let [carries, at] = [IP_AT + 6, IP_AT + IPV6_HEADER]
  while (HEADERS_BEFORE.has(frame[carries] ?? -1)) {
    carries = at
    at += 8 + (frame[at + 1] ?? 0) * 8
  }
  if (frame[carries] !== FRAGMENT || at + FRAGMENT_SIZE > frame.length) {
    return whole(without(frame, length))
  }
  const head = without(frame.subarray(0, at), length)
  head[carries] = frame[at] ?? 0
  const field = u16(frame, at + 2)
  const id = hex(frame.subarray(at + 4, at + FRAGMENT_SIZE))
  const data = frame.subarray(at + FRAGMENT_SIZE)
  const key = `${hex(head.subarray(0, IP_AT + IPV6_HEADER))} ${id}`
  return { key, head, at: field & 0xfff8, data, more: (field & 1) !== 0 }
}

/** With zeros in place of these words. */
function without(bytes: Uint8Array, ...words: readonly number[]): Uint8Array {
  const left = Uint8Array.from(bytes)
  for (const at of words) left.fill(0, at, at + 2)
  return left
}

const [HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT] = [0, 43, 60, 44]
const HEADERS_BEFORE: ReadonlySet<number> = new Set([HOP_BY_HOP, ROUTING, DESTINATION])
const FRAGMENT_SIZE = 8

function joined(parts: readonly Part[]): string | undefined {
  const [first, ...later] = parts.toSorted((a, b) => a.at - b.at)
  if (first === undefined || first.at !== 0) return undefined
  let last = first
  for (const part of later) {
    if (part.at !== last.at + last.data.length) return undefined
    last = part
  }
  if (last.more) return undefined
  const packet = Buffer.concat([first.head, ...[first, ...later].map(({ data }) => data)])
  return hex(packet)
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
