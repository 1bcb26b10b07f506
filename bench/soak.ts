// An hour of churn: ports are declared, plugged, changed, unplugged and deleted at random; now and then the agent or the switch is
// killed, or another hand deletes flows. After a third of the time the agent is killed no more, and its memory is looked at each
// minute; at the end the switch must have exactly the flows that a fresh start would write, and no port may be left that is not as
// it was declared.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Portward } from '@portward/testkit'
import { randomOf } from './faults/random.ts'
import type { Result } from './figures.ts'
import { spreadOf } from './figures.ts'
import type { Lab, PortBody } from './lab.ts'
import { recordFlows, openLab, progress } from './lab.ts'
import { residentMb } from './memory.ts'

export type SoakOptions = { readonly minutes?: number; readonly seed?: number }

const MINUTES = 60
const PORTS = 300
/** So that the machine has time for others. */
const PAUSE_MS = 10
/** Of the last third of an hour against the middle one: a leak of 1 MB an hour in 150 would not be seen, one of 10 would. */
const LIMIT_GROWTH = 1.05

type Sample = { readonly minute: number; readonly rss: number; readonly vswitchd: number }

export async function soak({ minutes = MINUTES, seed = 1 }: SoakOptions): Promise<Result> {
  await using lab = await openLab()
  await using churn = await Churn.begin(lab, seed)
  const begun = performance.now()
  const samples: Sample[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    churn.sparesAgent = minute > minutes / 3
    while (performance.now() - begun < minute * 60_000) {
      await churn.step()
      await sleep(PAUSE_MS)
    }
    const rss = await residentMb(churn.portward.pid)
    samples.push({ minute, rss, vswitchd: await residentMb(lab.sw.pid()) })
    progress(`minute ${minute} of ${minutes}: ${churn.steps} changes, ${rss.toFixed(0)} MB`)
  }
  const { wrong, flows, touched } = await churn.end()
  const middle = medianOf(samples, 1 / 3, 2 / 3)
  const last = medianOf(samples, 2 / 3, 1)
  return {
    bench: `soak: ${minutes} minutes of churn with up to ${PORTS} ports, seed ${seed}`,
    rows: [
      {
        changes: churn.steps,
        'agent killed': churn.count('agent'),
        'switch killed': churn.count('switch'),
        'flows deleted': churn.count('flows'),
        'MB, middle third': middle,
        'MB, last third': last,
        'MB of vswitchd': samples.at(-1)?.vswitchd ?? Number.NaN,
        'flows at the end': flows,
      },
    ],
    limits: [
      {
        what: `flows that a fresh start finds too many or too few: ${touched}`,
        limit: 'none',
        holds: touched === 0,
      },
      { what: `ports that are not as declared: ${wrong}`, limit: 'none', holds: wrong === 0 },
      {
        what: `memory in the last third, of that in the middle one: ${(last / middle).toFixed(3)} times`,
        limit: `${LIMIT_GROWTH} times`,
        holds: last / middle <= LIMIT_GROWTH,
      },
    ],
  }
}

function medianOf(samples: readonly Sample[], from: number, to: number): number {
  const part = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length))
  return spreadOf(part.map(({ rss }) => rss)).median
}

/** What happens, and how often beside the others. */
const kinds = {
  declare: 20,
  plug: 30,
  unplug: 25,
  toggle: 40,
  down: 10,
  pairs: 15,
  reuse: 10,
  delete: 15,
  flows: 1,
  agent: 0.3,
  switch: 0.1,
} as const
type Kind = keyof typeof kinds

class Churn {
  readonly #lab: Lab
  readonly #random: () => number
  readonly #network: string
  readonly #counts = new Map<Kind, number>()
  /** Ports that are declared, and the interface that each is plugged by. */
  readonly #ports = new Map<string, string | undefined>()
  #names = 0
  portward: Portward
  steps = 0
  sparesAgent = false

  private constructor(lab: Lab, seed: number, portward: Portward, network: string) {
    this.#lab = lab
    this.#random = randomOf(seed)
    this.portward = portward
    this.#network = network
  }

  static async begin(lab: Lab, seed: number): Promise<Churn> {
    const portward = await lab.start()
    const { id } = await portward.create('network', { name: 'soak' })
    await portward.create('subnet', { network_id: id, ip_version: 4, cidr: '10.0.0.0/16' })
    await portward.create('subnet', { network_id: id, ip_version: 6, cidr: 'fd00::/64' })
    return new Churn(lab, seed, portward, id)
  }

  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0
  }

  async step(): Promise<void> {
    const kind = this.#pick()
    this.steps++
    await this.#do(kind)
  }

  /** Waits until all is as declared; then starts anew on what is there, and counts what that changes. */
  async end(): Promise<{ wrong: number; flows: number; touched: number }> {
    const deadline = performance.now() + 60_000
    let wrong = Infinity
    while (wrong > 0 && performance.now() < deadline) {
      await sleep(500)
      wrong = await this.#wrong()
    }
    await this.portward.stop('SIGKILL')
    await using watch = await recordFlows(this.#lab.sw)
    this.portward = await this.#lab.start()
    await watch.still(2000)
    const flows = await this.#lab.sw.ofctl('dump-flows', this.#lab.sw.bridge)
    return { wrong, flows: flows.trim().split('\n').length - 1, touched: watch.changes().length }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.portward[Symbol.asyncDispose]()
  }

  async #do(kind: Kind): Promise<void> {
    const { sw } = this.#lab
    const plugged = [...this.#ports].filter(([, name]) => name !== undefined)
    const [id, name] = this.#one(plugged) ?? []
    switch (kind) {
      case 'declare': {
        if (this.#ports.size >= PORTS) return
        const port = await this.portward.create('port', { network_id: this.#network })
        this.#ports.set(port.id, undefined)
        return
      }
      case 'plug': {
        const unplugged = [...this.#ports].filter(([, at]) => at === undefined)
        const [which] = this.#one(unplugged) ?? []
        if (which !== undefined) await this.#plug(which)
        return
      }
      case 'unplug':
        if (id === undefined || name === undefined) return
        await sw.removePorts([name])
        this.#ports.set(id, undefined)
        return
      case 'toggle':
        // Pairs go with port security.
        await this.#update(
          id,
          this.#random() < 0.5
            ? { port_security_enabled: true }
            : { port_security_enabled: false, allowed_address_pairs: [] },
        )
        return
      case 'down':
        await this.#update(id, { admin_state_up: this.#random() < 0.5 })
        return
      case 'pairs': {
        const ip_address = `10.1.0.${Math.floor(this.#random() * 200) + 1}`
        const pairs = this.#random() < 0.5 ? [] : [{ ip_address }]
        await this.#update(id, { port_security_enabled: true, allowed_address_pairs: pairs })
        return
      }
      case 'reuse': {
        // The interface becomes another port's, which is not plugged.
        const other = this.#one([...this.#ports].filter(([, at]) => at === undefined))?.[0]
        if (id === undefined || name === undefined || other === undefined) return
        await sw.setIfaceId(name, other)
        this.#ports.set(id, undefined)
        this.#ports.set(other, name)
        return
      }
      case 'delete': {
        const gone = this.#one([...this.#ports])
        if (gone === undefined) return
        await this.portward.ask('DELETE', `/v2.0/ports/${gone[0]}`)
        this.#ports.delete(gone[0])
        if (gone[1] !== undefined) await sw.removePorts([gone[1]])
        return
      }
      case 'flows':
        this.#note(kind)
        await sw.ofctl('del-flows', sw.bridge, this.#random() < 0.5 ? 'table=71' : 'table=0')
        return
      case 'agent':
        if (this.sparesAgent) return
        this.#note(kind)
        await this.portward.stop(this.#random() < 0.5 ? 'SIGKILL' : 'SIGTERM')
        this.portward = await this.#lab.start()
        return
      case 'switch':
        this.#note(kind)
        await sw.restartVswitchd('SIGKILL')
        await answers(() => sw.ofctl('show', sw.bridge))
        return
      default:
        kind satisfies never
    }
  }

  #note(kind: Kind): void {
    this.#counts.set(kind, this.count(kind) + 1)
  }

  async #plug(id: string): Promise<void> {
    const name = `tap${this.#names++}`
    await this.#lab.sw.addPorts([{ name, ifaceId: id, type: 'patch' }])
    this.#ports.set(id, name)
  }

  /** Half of the changes are waited for, and half come upon each other. */
  async #update(id: string | undefined, port: object): Promise<void> {
    if (id === undefined) return
    const wait = this.#random() < 0.5 ? '?wait=applied' : ''
    const { status, body } = await this.portward.ask('PUT', `/v2.0/ports/${id}${wait}`, { port })
    if (status !== 200 && status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
  }

  /** How many ports are not what they should be: ACTIVE exactly if plugged and up. */
  async #wrong(): Promise<number> {
    const { body } = await this.portward.ask('GET', '/v2.0/ports')
    const { ports } = body as { ports: readonly (PortBody & { admin_state_up: boolean })[] }
    const active = (id: string, up: boolean): boolean => up && this.#ports.get(id) !== undefined
    const wrong = ports.filter(
      ({ id, status, admin_state_up: up }) => (status === 'ACTIVE') !== active(id, up),
    )
    return wrong.length + Math.abs(ports.length - this.#ports.size)
  }

  #pick(): Kind {
    const entries = Object.entries(kinds) as [Kind, number][]
    let at = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [kind, weight] of entries) {
      at -= weight
      if (at < 0) return kind
    }
    return 'toggle'
  }

  #one<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)]
  }
}

/** Its control socket answers before its bridges do. */
async function answers(ask: () => Promise<unknown>): Promise<void> {
  while (!(await ask().then(Boolean, () => false))) await sleep(20)
}
