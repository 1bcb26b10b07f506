// Flows that somebody changes by hand behind Portward's back, and flows that an older Portward has left.

import { setTimeout as sleep } from 'node:timers/promises'
import { flowLines } from '../lab.ts'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'

const OURS = '0x5057000000000000'
const FOREIGN = '0x1234'
const REPAIR_MS = 1500
const RAISED = 1000
const SHIFTED = 100

export const flowFaults: readonly Fault[] = [
  {
    name: 'flows-deleted',
    lossless: false,
    tailMs: REPAIR_MS,
    inject: async ({ sw }) => void (await sw.ofctl('del-flows', sw.bridge)),
  },
  {
    name: 'some-flows-deleted',
    lossless: false,
    tailMs: REPAIR_MS,
    async inject(scene, random) {
      const gone = (await flowsOf(scene)).filter(() => random() < 0.3)
      const matches = gone.map((flow) => `${flow.match}\n`).join('')
      await scene.sw.ofctlWith(matches, '--strict', 'del-flows', scene.sw.bridge, '-')
    },
  },
  {
    name: 'guard-flow-changed',
    lossless: false,
    opens: 'may',
    tailMs: REPAIR_MS,
    async inject(scene, random) {
      const port = await scene.sender.guest.ofport()
      const its = (await flowsOf(scene)).filter(
        ({ match }) => match.includes(`in_port=${port}`) && match.includes('table=0'),
      )
      const flow = its[Math.floor(random() * its.length)]
      if (flow === undefined) throw new Error('the sender has no flows')
      await scene.sw.ofctl('--strict', 'mod-flows', scene.sw.bridge, `${flow.match},actions=NORMAL`)
    },
  },
  {
    name: 'flow-added-as-ours',
    lossless: true,
    opens: 'may',
    tailMs: REPAIR_MS,
    inject: open(OURS),
  },
  {
    name: 'flow-added-foreign',
    lossless: true,
    opens: 'may',
    tailMs: REPAIR_MS,
    inject: open(FOREIGN),
  },
  {
    // All flows of a pipeline that is the same but for its priorities.
    name: 'upgrade-priorities',
    lossless: true,
    inject: (scene) =>
      upgraded(scene, (text) =>
        text.replace(/priority=(\d+)/, (_, priority) => `priority=${Number(priority) + RAISED}`),
      ),
  },
  {
    // Likewise, but for the numbers of its tables: of table 0, only the actions.
    name: 'upgrade-tables',
    lossless: true,
    inject: (scene) => upgraded(scene, shifted),
  },
  {
    // Half of the flows are of today's pipeline already: those of table 0 lead to the old tables or to the new.
    name: 'upgrade-begun',
    lossless: true,
    async inject(scene, random) {
      await upgraded(scene, (text) => {
        if (!text.includes('table=0,')) return `${text}\n${shifted(text)}`
        return random() < 0.5 ? text : shifted(text)
      })
    },
  },
]

function open(cookie: string): Fault['inject'] {
  return async ({ sw, sender }) => {
    const port = await sender.guest.ofport()
    await sw.ofctl(
      'add-flow',
      sw.bridge,
      `cookie=${cookie},priority=30000,in_port=${port},actions=NORMAL`,
    )
  }
}

/** Ends Portward, puts in the place of its flows what an older one might have left, and starts it. */
async function upgraded(scene: Scene, older: (flow: string) => string): Promise<void> {
  const { sw } = scene
  await scene.portward().stop('SIGKILL')
  const flows = await flowsOf(scene)
  const text = flows.map((flow) => `${older(flow.text)}\n`).join('')
  await sw.ofctlWith(text, '--bundle', 'replace-flows', sw.bridge, '-')
  await sleep(100)
  scene.struck()
  await scene.start()
}

function shifted(text: string): string {
  return text.replaceAll(/(table=|resubmit\(,)(\d+)/g, (all, before: string, table: string) =>
    table === '0' ? all : `${before}${(Number(table) + SHIFTED) % 254}`,
  )
}

type Flow = { readonly text: string; readonly match: string }

async function flowsOf({ sw }: Scene): Promise<readonly Flow[]> {
  return (await flowLines(sw)).map((line) => {
    // ovs-ofctl leaves table 0 unsaid.
    const text = line.includes('table=') ? line : line.replace(', ', ', table=0, ')
    const [match = ''] = text.replace(/^cookie=\w+, /, '').split(' actions=')
    return { text, match }
  })
}
