// What of what one guest sends arrives at another. A frame has arrived when the other guest's device has received it; it has
// not when two marks that were sent after it, the second when the first had come, have been received and it was not: a switch
// takes frames in bursts, and inside one keeps no order.
//
// Two things would make the answer one about something else. The kernels of both guests speak and answer as they please, so
// both are silenced. And a switch that learns a guest's MAC at the port of whoever claims it sends that guest nothing more, so
// the receiver's MAC is made a static entry of the bridge, which is what it would be if the receiver spoke all the time.

import { bare, saidBy } from './delivery.ts'
import type { Guest } from './guest.ts'
import type { Switch } from './switch.ts'
import { ethernet, ipv4, udp } from './frames.ts'

export type PassageOptions = {
  readonly sw: Switch
  readonly from: Guest
  readonly to: Guest
  /** An IPv4 address that the sender may claim with its own MAC: of the frames that mark the end. */
  readonly ip: string
  /** VLANs in which the receiver's MAC is known at its port. Default 0 alone: untagged, on ports without `tag`. */
  readonly vlans?: readonly number[]
}

export type Passage = {
  /**
   * Sends the frames one after the other, and says of each whether it arrived, with its tags or without, or as other fragments
   * of the same packet. Those of one packet go in one call. Throws when even a frame that is above reproach does not arrive.
   */
  readonly send: (...frames: readonly Uint8Array[]) => Promise<readonly boolean[]>
}

export async function openPassage(options: PassageOptions): Promise<Passage> {
  const { sw, from, to, ip, vlans = [0] } = options
  for (const guest of [from, to]) await guest.run(['sh', '-ec', SILENCE])
  for (const vlan of vlans) await sw.appctl('fdb/add', sw.bridge, to.name, String(vlan), to.mac)
  const [out, back] = [await from.wire(), await to.wire()]
  let marks = 0
  const nextMark = (): Uint8Array =>
    ethernet(
      { src: from.mac, dst: to.mac },
      ipv4({ src: ip, dst: MARK_TO }, udp({ src: 9, dst: 9 }, `mark ${++marks}`)),
    )

  return {
    async send(...frames) {
      back.forget()
      for (const frame of frames) await out.send(frame)
      for (const mark of [nextMark(), nextMark()]) {
        await out.send(mark)
        await back.expect((frame) => Buffer.compare(frame, mark) === 0)
      }
      return arrivedOf(frames, back.received())
    },
  }
}

/** TEST-NET-1 (RFC 5737): nobody's. The frame is for the receiver by its MAC. */
const MARK_TO = '192.0.2.1'

// The guest's device takes frames all the same: what is silenced is what the kernel has to say to them.
const SILENCE = `
ip addr flush dev eth0
echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
`

function arrivedOf(
  sent: readonly Uint8Array[],
  received: readonly Uint8Array[],
): readonly boolean[] {
  const got = new Set([...received.map(shown), ...saidBy(received)])
  const said = saidBy(sent)
  return sent.map((frame, i) => {
    const packet = said[i]
    return got.has(shown(frame)) || (packet !== undefined && got.has(packet))
  })
}

function shown(frame: Uint8Array): string {
  return Buffer.from(bare(frame)).toString('hex')
}
