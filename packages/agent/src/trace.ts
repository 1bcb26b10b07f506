// What the running switch says that becomes of a frame: `ofproto/trace` (ovs-vswitchd(8)). Asking shall change nothing there.
//
// But whoever traces a packet has the switch learn from it: NORMAL would take its source MAC to be at the port, and send there what
// is another's. A flow, the fields of a frame in the switch's own words, is traced without that. So it is asked twice:
//
//   in_port=65279, the packet ──► `Flow: arp,in_port=65279,…`        how the switch reads it; NORMAL knows no such port, so does nothing
//   `arp,in_port=7,…`         ──► the tables, and what comes of it

import { askSwitch } from './control.ts'

export type Trace = {
  readonly delivered: boolean
  /** As `ovs-appctl ofproto/trace` prints it. */
  readonly text: string
}

/** The last number that an OpenFlow 1.0 port may have: the switch gives its own from 1 upwards. */
const NO_PORT = 65_279
const PATIENCE_MS = 10_000

/** Of the switch that has this run directory. Throws an error that says why when it can't be asked or won't tell. */
export async function traceFrame(
  { rundir, bridge }: { readonly rundir: string; readonly bridge: string },
  inPort: number,
  frame: Uint8Array,
): Promise<Trace> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const ask = async (...params: readonly string[]): Promise<string> => {
    const [answer] = await askSwitch(rundir, 'ofproto/trace', [bridge, ...params], signal)
    if (typeof answer !== 'string') throw new Error('ofproto/trace: an answer that is no text')
    return answer
  }
  const read = await ask(`in_port=${NO_PORT}`, Buffer.from(frame).toString('hex'))
  const text = await ask(flowIn(read, inPort))
  return { delivered: delivers(text), text: text.trimEnd() }
}

/** The frame in the switch's words, at another port: as it writes them, but for what it does not read again. */
export function flowIn(trace: string, inPort: number): string {
  const flow = /^Flow: (.*)$/m.exec(trace)?.[1]
  if (flow === undefined)
    throw new Error(`ofproto/trace does not say how it reads the frame: ${trace}`)
  const one = flow.replace(',vlan_tci1=0x0000', '')
  if (/\b(?:vlan_tci1|dl_vlan1)=/.test(one)) {
    throw new Error(
      'it sees two VLAN tags, and cannot be asked about those without learning from the frame',
    )
  }
  const protocol = /^(?:icmp6|tcp|udp|sctp)/.exec(one)?.[0]
  const hasPorts = protocol !== undefined && protocol !== 'icmp6'
  return (
    one
      .replace(/\bin_port=[^,]+/, `in_port=${inPort}`)
      .replaceAll(/\btp_(?=src=|dst=)/g, hasPorts ? `${protocol}_` : 'tp_')
      .replaceAll(/\bicmp_(?=type=|code=)/g, protocol === 'icmp6' ? 'icmpv6_' : 'icmp_')
      // What no flow can match of such a frame: so nothing hangs on it.
      .replaceAll(/,(?:igmp_type|igmp_code|tp_src|tp_dst|mpls_lse\d)=\d+/g, '')
      .replace(/(?<=icmpv6_type=135,.*),nd_tll=[^,]+/, '')
      .replace(/(?<=icmpv6_type=136,.*),nd_sll=[^,]+/, '')
  )
}

/**
 * Whether the flows let the frame go. Where NORMAL sends it is not theirs to say: it may know no port for it, or keep what is for
 * the bridges themselves, and the datapath drops it all the same. A tag that breaks off is another matter: nobody gets that.
 */
export function delivers(trace: string): boolean {
  const actions = /^Datapath actions: (.*)$/m.exec(trace)?.[1]
  if (actions === undefined)
    throw new Error(`ofproto/trace does not say what comes of it: ${trace}`)
  if (/^Translation failed/m.test(trace)) return false
  if (actions !== 'drop') return true
  return /^ +NORMAL$/m.test(trace) && !/partial VLAN tag, dropping$/m.test(trace)
}
