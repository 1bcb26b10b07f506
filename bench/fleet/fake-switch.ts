// A switch that is none, for a thousand agents on one machine: it speaks OVSDB and OpenFlow on Unix sockets as far as an agent asks,
// takes every flow, and has one bridge, of fail_mode secure, whose interfaces are all there from the beginning.

import { readFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { jsonFramer } from '../../packages/ovsdb/src/framer.ts'

export type FakeSwitch = AsyncDisposable & {
  /** Bundles that were committed. */
  readonly bundles: () => number
  /** Hangs up on its agent, as a switch that restarts. */
  readonly hangUp: () => void
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
const BRIDGE = 'br-int'
const HEADER = 8
const OFPT = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  featuresRequest: 5,
  featuresReply: 6,
  getConfigRequest: 7,
  getConfigReply: 8,
  multipartRequest: 18,
  multipartReply: 19,
  bundleControl: 33,
} as const
const OPENFLOW_1_5 = 6
const OFPMP_FLOW_MONITOR = 16
const OFPBCT_COMMIT = 4
/** Fragments are shown to flows. */
const NX_MATCH = 3

/** `ifaceIds` are those of its interfaces; `onBundle` is called with each that is committed. */
export async function startFakeSwitch(
  rundir: string,
  ifaceIds: readonly string[],
  onBundle: () => void,
): Promise<FakeSwitch> {
  const schema: unknown = JSON.parse(await readFile(SCHEMA, 'utf8'))
  const tables = tablesOf(ifaceIds)
  const sockets = new Set<Socket>()
  let bundles = 0
  const db = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const framer = jsonFramer()
    socket.on('data', (chunk) => {
      for (const frame of framer.push(chunk)) {
        const request = frame as { readonly id: unknown; readonly method: string }
        const result = answerTo(request.method, schema, tables)
        socket.write(JSON.stringify({ id: request.id, error: null, result }))
      }
    })
  })
  const openflow = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let pending = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk])
      let at = 0
      while (pending.length - at >= HEADER) {
        const size = pending.readUInt16BE(at + 2)
        if (pending.length - at < size) break
        const message = pending.subarray(at, at + size)
        const reply = replyTo(message)
        if (reply !== undefined) socket.write(reply)
        if (message[1] === OFPT.bundleControl && message.readUInt16BE(12) === OFPBCT_COMMIT) {
          bundles++
          onBundle()
        }
        at += size
      }
      pending = pending.subarray(at)
    })
  })
  await Promise.all([
    listening(db, join(rundir, 'db.sock')),
    listening(openflow, join(rundir, `${BRIDGE}.mgmt`)),
  ])
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    bundles: () => bundles,
    hangUp,
    async [Symbol.asyncDispose]() {
      db.close()
      openflow.close()
      hangUp()
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}

type Tables = Readonly<Record<string, Readonly<Record<string, object>>>>

function tablesOf(ifaceIds: readonly string[]): Tables {
  const none = ['set', []]
  const noMap = ['map', []]
  const ids = ifaceIds.map((id) => ({ id, iface: randomUUID(), port: randomUUID() }))
  const bridge = randomUUID()
  const initial = <T extends object>(row: T) => ({ initial: row })
  const Interface = ids.map(({ id, iface }, i) => {
    const external_ids = ['map', [['iface-id', id]]]
    const row = { name: `tap${i}`, type: '', ofport: i + 1, external_ids }
    return [iface, initial({ ...row, error: none, mac_in_use: none })] as const
  })
  const Port = ids.map(({ iface, port }, i) => {
    const row = { name: `tap${i}`, interfaces: ['uuid', iface], tag: none, trunks: none }
    return [port, initial({ ...row, vlan_mode: none, external_ids: noMap })] as const
  })
  const Bridge = initial({
    name: BRIDGE,
    ports: ['set', ids.map(({ port }) => ['uuid', port])],
    fail_mode: 'secure',
    protocols: none,
    datapath_type: '',
    datapath_id: '0000000000000001',
    controller: none,
    stp_enable: false,
    rstp_enable: false,
    other_config: noMap,
  })
  const Open_vSwitch = initial({
    bridges: ['uuid', bridge],
    cur_cfg: 1,
    next_cfg: 1,
    external_ids: noMap,
    other_config: noMap,
    ovs_version: '3.3.0',
  })
  return {
    Interface: Object.fromEntries(Interface),
    Port: Object.fromEntries(Port),
    Bridge: { [bridge]: Bridge },
    Open_vSwitch: { [randomUUID()]: Open_vSwitch },
  }
}

function answerTo(method: string, schema: unknown, tables: Tables): unknown {
  switch (method) {
    case 'get_schema':
      return schema
    case 'monitor_cond_since':
      return [false, '00000000-0000-0000-0000-000000000000', tables]
    case 'lock':
      return { locked: true }
    case 'transact':
      return []
    default:
      return []
  }
}

/** Undefined: it goes without one. */
function replyTo(request: Buffer): Buffer | undefined {
  const xid = request.readUInt32BE(4)
  const reply = (type: number, body: Buffer = Buffer.alloc(0)): Buffer => {
    const header = Buffer.alloc(HEADER)
    header.writeUInt8(OPENFLOW_1_5, 0)
    header.writeUInt8(type, 1)
    header.writeUInt16BE(HEADER + body.length, 2)
    header.writeUInt32BE(xid, 4)
    return Buffer.concat([header, body])
  }
  switch (request[1]) {
    case OFPT.hello:
      return reply(OFPT.hello)
    case OFPT.echoRequest:
      return reply(OFPT.echoReply, request.subarray(HEADER))
    case OFPT.featuresRequest:
      return reply(OFPT.featuresReply, Buffer.alloc(24, 1))
    case OFPT.getConfigRequest:
      return reply(OFPT.getConfigReply, Buffer.of(0, NX_MATCH, 0, 0))
    case OFPT.multipartRequest: {
      const kind = request.readUInt16BE(HEADER)
      // It has no flows at first, and never tells which it has.
      if (kind === OFPMP_FLOW_MONITOR) {
        return reply(OFPT.multipartReply, Buffer.of(0, kind, 0, 0, 0, 0, 0, 0))
      }
      return reply(OFPT.error, Buffer.of(0, 1, 0, 2))
    }
    case OFPT.bundleControl: {
      const body = Buffer.from(request.subarray(HEADER))
      body.writeUInt16BE(body.readUInt16BE(4) + 1, 4)
      return reply(OFPT.bundleControl, body)
    }
    case undefined:
    default:
      return undefined
  }
}
