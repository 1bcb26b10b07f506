// A frame out of a capture file: pcap(5), in either byte order, its times in micro- or nanoseconds.

import { Complaint } from './complaint.ts'

const HEADER_SIZE = 24
const RECORD_SIZE = 16
const MAGICS: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d])
const PCAPNG = 0x0a0d0d0a
const ETHERNET = 1
const LINK_TYPE_MASK = 0xffff

/** `number` counts from 1. Throws a Complaint that says what `name` is instead. */
export function frameIn(file: Uint8Array, number: number, name: string): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const first = file.length < HEADER_SIZE ? 0 : view.getUint32(0)
  if (first === PCAPNG) {
    throw new Complaint(
      `${name} is a pcapng file: make it a pcap with \`tcpdump -r ${name} -w FILE\` or \`editcap -F pcap ${name} FILE\``,
    )
  }
  const little = file.length >= HEADER_SIZE && MAGICS.has(view.getUint32(0, true))
  if (!little && !MAGICS.has(first)) {
    throw new Complaint(`${name} is no capture file: write one with \`tcpdump -w FILE\``)
  }
  const linkType = view.getUint32(20, little) & LINK_TYPE_MASK
  if (linkType !== ETHERNET) {
    throw new Complaint(
      `${name} has frames of link type ${linkType}, not of Ethernet: capture on the interface itself, not on \`any\``,
    )
  }
  let at = HEADER_SIZE
  for (let count = 1; at + RECORD_SIZE <= file.length; count++) {
    const size = view.getUint32(at + 8, little)
    const whole = view.getUint32(at + 12, little)
    const begin = at + RECORD_SIZE
    at = begin + size
    if (at > file.length) throw new Complaint(`${name} breaks off in packet ${count}`)
    if (count < number) continue
    if (size === whole) return file.subarray(begin, at)
    throw new Complaint(
      `packet ${number} of ${name} has but ${size} of its ${whole} bytes: capture whole frames with \`tcpdump -s 0\``,
    )
  }
  throw new Complaint(`${name} has no packet ${number}: it counts from 1`)
}
