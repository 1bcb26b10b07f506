// The control sockets of ovs-vswitchd: what ovs-appctl(8) asks there, without a process for it. They speak JSON-RPC as OVSDB does.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSession } from '@portward/ovsdb'
import { ConnectError } from '@portward/wire'

/** `ovs-vswitchd.PID.ctl`, or what was asked for with --unixctl. The number is that of the daemon's own process namespace. */
const CONTROL_SOCKET = /^ovs-vswitchd(?:\.\d+)?\.ctl$/

/**
 * The answer of whoever listens in the switch's run directory; of all, should there be more than one. Throws an OvsdbError when
 * it refuses, and an error that says what to do when nobody is there.
 */
export async function askSwitch(
  rundir: string,
  command: string,
  params: readonly string[],
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const sockets = (await readdir(rundir)).filter((name) => CONTROL_SOCKET.test(name))
  const answers: unknown[] = []
  for (const socket of sockets) {
    try {
      await using session = await openSession({
        address: join(rundir, socket),
        onNotification: () => {},
        signal,
      })
      answers.push(await session.request(command, params))
    } catch (error) {
      // What a daemon that was killed has left there.
      if (!(error instanceof ConnectError && error.code === 'ECONNREFUSED')) throw error
    }
  }
  if (answers.length > 0) return answers
  throw new Error(
    `nobody listens on ${join(rundir, 'ovs-vswitchd.PID.ctl')}: is this the run directory of ovs-vswitchd (--ovs-rundir)?`,
  )
}
