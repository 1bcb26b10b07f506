// One OVSDB transaction on a connection of its own (RFC 7047, 4.1.3). ovs-vsctl needs quadratic time for thousands of
// ports in one go (50 s for 5,000); the database takes them in tenths of a second. Kept apart from Portward's own client,
// which tests hold against this switch.

import { createConnection } from 'node:net'

/** RFC 7047, 5.2: `rows` where the operation was a select. */
export type OperationResult = {
  readonly rows?: readonly Readonly<Record<string, unknown>>[]
  readonly error?: unknown
}

/** The results, one an operation, of the switch's database or another. Throws an error that carries what it complained of. */
export async function transact(
  socketPath: string,
  operations: readonly object[],
  database = 'Open_vSwitch',
): Promise<OperationResult[]> {
  const request = { id: 0, method: 'transact', params: [database, ...operations] }
  const socket = createConnection({ path: socketPath })
  try {
    socket.setEncoding('utf8')
    socket.write(JSON.stringify(request))
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      const reply = parsed(text)
      if (reply === undefined) continue
      const failed = reply.result?.find(({ error }) => error !== undefined)
      if (reply.result && failed === undefined) return reply.result
      throw new Error(`the database refused: ${JSON.stringify(reply.error ?? failed)}`)
    }
    throw new Error(`${socketPath}: closed before it answered`)
  } finally {
    socket.destroy()
  }
}

type Reply = {
  readonly error: unknown
  readonly result: OperationResult[] | null
}

/** The one reply this connection waits for, or undefined while some of it is on its way. */
function parsed(text: string): Reply | undefined {
  if (!text.endsWith('}')) return undefined
  try {
    const reply: Reply = JSON.parse(text)
    return reply
  } catch {
    return undefined
  }
}
