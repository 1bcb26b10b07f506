// `portward explain`: why a frame of a port passes or not, what would let it, and whether the running switch says the same.

import { readFile } from 'node:fs/promises'
import { styleText } from 'node:util'
import type { Api } from './api.ts'
import { printable } from './columns.ts'
import { Complaint } from './complaint.ts'
import { frameIn } from './pcap.ts'
import { idOf } from './ports.ts'

type Verdict = 'delivered' | 'dropped'

type Explanation = {
  readonly port_id: string
  readonly name: string
  readonly host: string | null
  readonly iface: string | null
  readonly applied: boolean
  readonly reason: string | null
  readonly frame: { readonly hex: string; readonly words: string }
  readonly verdict: Verdict
  readonly rule: number
  readonly rule_text: string
  readonly path: readonly {
    readonly table: number
    readonly name: string
    readonly words: string
    readonly text: string
  }[]
  readonly claim: {
    readonly mac: string
    readonly ip: string
    readonly owner: { readonly id: string; readonly name: string } | null
  } | null
  readonly remedy: { readonly command: string; readonly opens: string } | null
  readonly note: string | null
  readonly switch: Told | { readonly unavailable: string } | null
}

type Told = { readonly verdict: Verdict; readonly agrees: boolean; readonly trace: string }

export type Question = {
  readonly which: string
  /** Bytes as hex, or words; with a capture file, the number of its packet. */
  readonly words: readonly string[]
  readonly pcap: string | undefined
  readonly offline: boolean
}

/** `alarm` is there when the switch does not do as the port is declared. */
export async function explainFrame(
  api: Api,
  question: Question,
): Promise<{ json: unknown; text: string; alarm?: string }> {
  const frame = await frameOf(question)
  const id = await idOf(api, question.which)
  const query = question.offline ? '?offline=true' : ''
  const found = await api.post<Explanation>(`/portward/v1/ports/${id}/explain${query}`, frame)
  const told = found.switch
  const differs = told !== null && 'verdict' in told && !told.agrees
  return { json: found, text: inWords(found), ...(differs && { alarm: alarmOf(found, told) }) }
}

async function frameOf({ words, pcap }: Question): Promise<{ frame: string } | { words: string }> {
  const text = words.join(' ')
  if (pcap !== undefined) {
    const number = text === '' ? 1 : Number(text)
    if (!Number.isInteger(number) || number < 1) {
      throw new Complaint(`FRAME: with --pcap it is a packet’s number, from 1; not '${text}'`, 2)
    }
    return { frame: Buffer.from(frameIn(await read(pcap), number, pcap)).toString('hex') }
  }
  if (text === '') {
    throw new Complaint('FRAME: give its bytes as hex, words such as `arp 10.0.0.9`, or --pcap', 2)
  }
  return HEX.test(text) ? { frame: text } : { words: text }
}

/** By pairs of digits: `dad fd00::9` is words. */
const HEX = /^(?:[\da-f]{2}[\s:]*)+$/i

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Complaint(`--pcap: ${path} cannot be read: ${why}`, 1, { cause })
  }
}

function inWords(found: Explanation): string {
  const { verdict, frame, rule, rule_text: ruleText, path, remedy, note, iface } = found
  const [passes, dropped] =
    iface === null ? ['WOULD PASS', 'WOULD BE DROPPED'] : ['PASSES', 'DROPPED']
  const how = verdict === 'delivered' ? 'by' : 'against'
  const head =
    verdict === 'delivered'
      ? styleText(['bold', 'green'], passes)
      : styleText(['bold', 'red'], dropped)
  const lines = [
    `${head} on ${printable(placeOf(found))}: ${printable(frame.words)}`,
    ...row('why', [rule === 0 ? ruleText : `${how} rule ${rule}: ${ruleText}`]),
    ...row(
      'path',
      path.flatMap(({ table, name, words, text }) => [
        `table ${table} (${name}): ${words}`,
        ...(text === '' ? [] : [`    ${text}`]),
      ]),
    ),
    ...row('claims', claimOf(found)),
    ...row('way out', remedy === null ? [] : [remedy.command]),
    ...row('opens', remedy === null ? [] : [remedy.opens]),
    ...row('note', note === null ? [] : [note]),
    ...row('switch', switchOf(found)),
  ]
  return lines.join('\n')
}

const LABEL_SIZE = 9

function row(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => {
    const text = printable(line)
    const shown = text.startsWith('    ') ? styleText('dim', text) : text
    return `${(i === 0 ? label : '').padEnd(LABEL_SIZE)}${shown}`
  })
}

function placeOf({ name, port_id: id, iface, host }: Explanation): string {
  const port = name === '' ? id : name
  return iface === null ? `${port} (not plugged in)` : `${port} (${iface} of ${host})`
}

function claimOf({ claim }: Explanation): readonly string[] {
  if (claim === null) return []
  const { mac, ip, owner } = claim
  const whose =
    owner === null
      ? ''
      : `, which is that of port ${owner.name === '' ? owner.id : `${owner.name} (${owner.id})`}`
  return [`${ip} with ${mac}${whose}`]
}

function switchOf({ switch: told, verdict }: Explanation): readonly string[] {
  if (told === null) return ['not asked (--offline)']
  if ('unavailable' in told) return [`not asked: ${told.unavailable}`]
  const says = told.verdict === 'delivered' ? 'lets it pass' : 'drops it'
  if (!told.agrees) return [`${says}: THE SWITCH DISAGREES`]
  return [told.verdict === verdict ? `${says} too (ofproto/trace)` : `${says} (ofproto/trace)`]
}

function alarmOf(found: Explanation, { verdict, trace }: Told): string {
  const { applied, reason } = found
  const [declared, really] =
    verdict === 'delivered' ? ['drops', 'LETS IT PASS'] : ['lets pass', 'DROPS IT']
  const head = `THE SWITCH DISAGREES: what is declared of ${placeOf(found)} ${declared} this frame, and the running switch ${really}.`
  const why = applied
    ? 'Its flows are not all ours: another hand has changed them, or put its own above. See `portward flows` and `portward status`.'
    : `It has not acknowledged the port as it is declared: ${reason}.`
  const bar = '!'.repeat(72)
  const said = trace
    .split('\n')
    .map((line) => `  ${printable(line)}`)
    .join('\n')
  const loud = [bar, printable(head), printable(why), bar].join('\n')
  return `${styleText(['bold', 'red'], loud, { stream: process.stderr })}\n${said}\n`
}
