// What the switch itself says that becomes of a frame: `ofproto/trace` (ovs-vswitchd(8)), by the thousand. Asked over its control
// socket, one connection for all, which spares a process for each (JSON-RPC 1.0: RFC 7047, section 4).
//
// The flows alone shall decide. But NORMAL has a mind of its own: it learns from the frames that are traced, sends none back to
// the port where it has met the receiver, and keeps frames for reserved addresses to itself. So the bridge is set to flood all.

import { readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Switch } from './switch.ts'

export type Trace = {
  /** Whether the datapath would do anything with it but drop it. */
  readonly delivered: boolean
  /** As `ovs-appctl ofproto/trace` prints it. */
  readonly text: string
}

export type Tracer = AsyncDisposable & {
  /** `inPort` is the OpenFlow number. Calls need not wait for each other. */
  readonly trace: (inPort: number, frame: Uint8Array) => Promise<Trace>
}

/** The bridge needs a second port, for NORMAL to send to. Frames have at least an Ethernet header, or the switch refuses them. */
export async function openTracer(
  sw: Pick<Switch, 'rundir' | 'bridge' | 'vsctl' | 'appctl'>,
): Promise<Tracer> {
  const { rundir, bridge } = sw
  const everyVlan = Array.from({ length: 4096 }, (_, vid) => vid).join(',')
  const settings = [`flood_vlans=${everyVlan}`, 'other_config:forward-bpdu=true']
  await sw.vsctl('set', 'Bridge', bridge, ...settings)
  await sw.appctl('fdb/flush', bridge)
  const pid = (await readFile(join(rundir, 'ovs-vswitchd.pid'), 'utf8')).trim()
  const socket = createConnection({ path: join(rundir, `ovs-vswitchd.${pid}.ctl`) })
  const waiting: { resolve: (text: string) => void; reject: (error: Error) => void }[] = []
  let failure: Error | undefined
  const fail = (error: Error): void => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the switch has closed its control socket')))
  // It answers in the order it was asked.
  const splitter = replySplitter((reply) => {
    const { result, error } = JSON.parse(reply) as { result: string; error: string | null }
    const { resolve, reject } = waiting.shift() ?? {}
    if (error === null) resolve?.(result)
    else reject?.(new Error(`ofproto/trace: ${error.trim()}`))
  })
  socket.setEncoding('utf8').on('data', splitter)

  const ask = (params: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure)
      waiting.push({ resolve, reject })
      socket.write(JSON.stringify({ id: 0, method: 'ofproto/trace', params }))
    })
  return {
    async trace(inPort, frame) {
      const hex = Buffer.from(frame).toString('hex')
      const text = await ask([bridge, `in_port=${inPort}`, hex])
      const actions = /^Datapath actions: (.*)$/m.exec(text)?.[1]
      if (actions === undefined) throw new Error(`ofproto/trace said: ${text}`)
      return { delivered: actions !== 'drop', text }
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/** Objects of JSON that stand one behind the other with nothing in between: each ends with the brace that its first one opened. */
function replySplitter(onReply: (text: string) => void): (chunk: string) => void {
  let pending = ''
  let depth = 0
  let at = 0
  // A string with its escapes, or a brace.
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs
  return (chunk) => {
    pending += chunk
    let start = 0
    token.lastIndex = at
    for (let found = token.exec(pending); found !== null; found = token.exec(pending)) {
      at = token.lastIndex
      if (found[0] === '{') depth++
      else if (found[0] === '}' && --depth === 0) {
        onReply(pending.slice(start, at))
        start = at
      }
    }
    pending = pending.slice(start)
    at -= start
  }
}
