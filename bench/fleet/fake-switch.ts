// A switch that is none, for a thousand agents on one machine: it speaks OVSDB and OpenFlow on Unix sockets as far as an agent asks,
// takes every flow, and has one bridge, of fail_mode secure, whose interfaces are all there from the beginning.

import { readFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { OFPBCT } from '../../packages/openflow/src/bundle.ts'
import type { Writer } from '../../packages/openflow/src/bytes.ts'
import { openflowFramer } from '../../packages/openflow/src/framer.ts'
import type { Message } from '../../packages/openflow/src/message.ts'
import { OFPT, bodyOf, message } from '../../packages/openflow/src/message.ts'
import { jsonFramer } from '../../packages/ovsdb/src/framer.ts'

export type FakeSwitch = AsyncDisposable & {
  /** Hangs up on its agent, as a switch that restarts. */
  readonly hangUp: () => void
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
const BRIDGE = 'br-int'
const OPENFLOW_1_5 = 6
const OFPMP_FLOW_MONITOR = 16
/** OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART. */
const OFPBRC_BAD_MULTIPART = Uint8Array.of(0, 1, 0, 2)
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
    const framer = openflowFramer()
    socket.on('data', (chunk) => {
      for (const request of framer.push(chunk)) {
        const reply = replyTo(request)
        if (reply !== undefined) socket.write(reply)
        if (isCommit(request)) onBundle()
      }
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
    default:
      return []
  }
}

/** Undefined: it goes without one. */
function replyTo(request: Message): Uint8Array | undefined {
  const reply = (type: number, body?: (writer: Writer) => void): Uint8Array =>
    message(OPENFLOW_1_5, type, request.xid, body)
  const body = bodyOf(request)
  switch (request.type) {
    case OFPT.hello:
      return reply(OFPT.hello)
    case OFPT.echoRequest:
      return reply(OFPT.echoReply, (writer) => writer.put(body.take(body.left)))
    case OFPT.featuresRequest:
      return reply(OFPT.featuresReply, (writer) => writer.zeros(24))
    case OFPT.getConfigRequest:
      return reply(OFPT.getConfigReply, (writer) => {
        writer.u16(NX_MATCH)
        writer.u16(0)
      })
    case OFPT.multipartRequest: {
      const kind = body.u16()
      // It has no flows at first, and never tells which it has.
      return kind === OFPMP_FLOW_MONITOR
        ? reply(OFPT.multipartReply, (writer) => {
            writer.u16(kind)
            writer.zeros(6)
          })
        : reply(OFPT.error, (writer) => writer.put(OFPBRC_BAD_MULTIPART))
    }
    case OFPT.bundleControl:
      return reply(OFPT.bundleControl, (writer) => {
        writer.u32(body.u32())
        writer.u16(body.u16() + 1)
        writer.u16(body.u16())
      })
    default:
      return undefined
  }
}

function isCommit(request: Message): boolean {
  if (request.type !== OFPT.bundleControl) return false
  const body = bodyOf(request)
  body.skip(4)
  return body.u16() === OFPBCT.commit
}
