// docs/pipeline.md, from the pipeline itself: `npm run -s docs` writes it, and a test fails when it is out of date.

import { fileURLToPath } from 'node:url'
import { writeFile } from 'node:fs/promises'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { flowText } from '@portward/openflow'
import type { Flow } from '@portward/openflow'
import {
  Audience,
  EXEMPT,
  bindingsOf,
  bridgeFlows,
  checks,
  guardFlows,
  macsOf,
  memberOf,
  pairFlows,
  readCookie,
  rules,
  tables,
  wordsOf,
} from '@portward/portsec'
import type { PortSpec, Table } from '@portward/portsec'

export const FILE = fileURLToPath(new URL('../../docs/pipeline.md', import.meta.url))

const mac = parseMac('fa:16:3e:00:00:10')
const example: PortSpec = {
  portId: '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463',
  mac,
  ips: [parseIp('10.0.0.10'), parseIp('fd00::10')],
  allowedAddressPairs: [],
}
const bare: PortSpec = { ...example, ips: [] }
const virtual = parseMac('00:00:5e:00:01:07')

/** Ports whose cost is told, in words and as they are declared. */
const costed: readonly (readonly [string, PortSpec])[] = [
  ['a MAC and no address', bare],
  ['one IPv4 address', { ...bare, ips: [parseIp('10.0.0.10')] }],
  ['one IPv4 and one IPv6 address', example],
  ['… and a pair `10.0.0.99`', withPairs([{ mac, prefix: parsePrefix('10.0.0.99/32') }])],
  ['… and a pair `10.1.0.0/16`', withPairs([{ mac, prefix: parsePrefix('10.1.0.0/16') }])],
  [
    '… and a pair `10.0.0.99` with a MAC of its own',
    withPairs([{ mac: virtual, prefix: parsePrefix('10.0.0.99/32') }]),
  ],
  [
    '… and 10 pairs, IPv4, own MAC',
    withPairs(
      Array.from({ length: 10 }, (_, i) => ({ mac, prefix: parsePrefix(`10.2.0.${i}/32`) })),
    ),
  ],
  [
    '… and 1,000 pairs, IPv4, own MAC',
    withPairs(
      Array.from({ length: 1000 }, (_, i) => ({
        mac,
        prefix: parsePrefix(`10.3.${i >> 8}.${i & 0xff}/32`),
      })),
    ),
  ],
  ['exempted from `ra` and `query`', { ...example, checks: { ra: false, query: false } }],
  ['a trunk of three VLANs', { ...example, checks: { vlan: [100, 200, 300] } }],
]

function withPairs(allowedAddressPairs: PortSpec['allowedAddressPairs']): PortSpec {
  return { ...example, allowedAddressPairs }
}

export function pipelineDoc(): string {
  const own = bridgeFlows('own', 'seen')
  const shown = [...own, ...pairFlows({ flood: 1, again: 2 })]
  const guard = [...guardFlows(7, example), ...audienceFlows()]
  const parts = [
    `# The pipeline

Written by \`npm run -s docs\` from \`packages/portsec\`; do not edit. Table numbers are Neutron's where it has such a table.

\`\`\`
           ┌───────────┐ ARP, NA ┌──────────┐
 frame ──► │ 0 classify├────────►│24 claim  ├──┐
           │           │         └──────────┘  ▼
           │           │ other  ┌──────────────────┐   ┌──────────┐   ┌─────────┐   ┌───────┐   ┌──────────┐
           │           ├───────►│25 mac            ├──►│60 deliver├──►│71 source├──►│72 kind├──►│94 forward├──► NORMAL
           │           │        └──────────────────┘   │          │   └─────────┘   └───────┘   │          │
           │           │ permitted tag ┌──────┐        │          │                             │          │
           │           ├──────────────►│26 tag├─► 24, 25          │                             │          │
           │           │               └──────┘        │          │                             │          │
           │           │ admitted without a guard      │          │                             │          │
           │           ├──────────────────────────────►│          ├────────────────────────────►│          │
           └───────────┘ (reg0 = 1)                    └──────────┘                             └──────────┘
\`\`\`

Tables 24, 25, 26 and 71 ask whose the frame is, and drop what is nobody's. Table 72 lists what a guest may not say as itself either; all ports share
it. Each flow below stands with its words as \`portward flows\` prints them. The example port has MAC \`${mac}\`, addresses \`10.0.0.10\` and \`fd00::10\`,
and is OpenFlow port 7. On a shared bridge, the last flow of table 0 and the flow of \`reg0\` in table 60 are absent.

On a bridge of our own, what NORMAL floods goes to port 1 of a pair, comes in again at port 2 and goes from table 0 to 95, which hands it to the guarded ports
that it concerns ([ADR 9](adr/0009-toward-the-port.md)). With \`--isolate false\` the flows of port 1, port 2 and of tables 95 and 96 are absent, and the first of table 94.`,
    ...Object.values(tables).map((table) => tableDoc(table, guard, shown)),
    costDoc(own),
    exemptionDoc(),
    fragmentDoc(own),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Of the example port, where it is the one guarded port. */
function audienceFlows(): readonly Flow[] {
  const audience = new Audience()
  const keys = audience.set('example', memberOf(7, 0, example))
  return [...keys].flatMap((key) => audience.flowsOf(key))
}

function tableDoc(table: Table, guard: readonly Flow[], own: readonly Flow[]): string {
  const { id, name, purpose, match, next } = table
  const parts = [
    `## Table ${id}: ${name}`,
    `${purpose[0]?.toUpperCase()}${purpose.slice(1)}.`,
    `May match ${match.map((field) => `\`${field}\``).join(', ')}; ${nextText(next, table.delivers)}.`,
  ]
  const ofPort = listing(guard, id)
  const ofBridge = listing(own, id)
  if (ofPort !== '') parts.push(`Of the port:\n\n${ofPort}`)
  if (ofBridge !== '') parts.push(`Of the bridge, shared by all ports:\n\n${ofBridge}`)
  return parts.join('\n\n')
}

function nextText(next: readonly number[], delivers: boolean): string {
  const on = next.length === 0 ? '' : `hands on to ${next.join(', ')}`
  return [on, delivers ? 'delivers' : ''].filter((part) => part !== '').join(', ')
}

/** In the order frames meet them, each behind its rule and its words. */
function listing(flows: readonly Flow[], id: number): string {
  const lines = flows
    .filter(({ table }) => table === id)
    .toSorted((a, b) => b.priority - a.priority)
    .flatMap((flow) => {
      const rule = readCookie(flow.cookie)?.rule ?? 0
      return [`# rule ${rule}: ${wordsOf(flow)}`, plain(flow)]
    })
  return lines.length === 0 ? '' : `\`\`\`\n${lines.join('\n')}\n\`\`\``
}

function plain(flow: Flow): string {
  return flowText(flow).replace(/^cookie=\w+, /, '')
}

function costDoc(own: readonly Flow[]): string {
  const rows = costed.map(([words, spec]) => {
    const [macs, bindings] = [macsOf(spec).length, bindingsOf(spec).length]
    return `| ${words} | ${macs} | ${bindings} | ${guardFlows(7, spec).length} |`
  })
  return `## What it costs

A port costs 4 flows, 4 for each of its MACs, and 3 for each binding: a (MAC, address or prefix) that it owns, every MAC's link-local address among them. A check
costs a port nothing, an exemption neither; a permitted VLAN or EtherType costs one flow. The bridge itself has ${own.length} flows, however many ports there are; to hand on what is flooded takes 4 more, and in each VLAN 1 for each MAC, 1 for 64 port numbers, and 1.

| port | MACs | bindings | flows |
| --- | --- | --- | --- |
${rows.join('\n')}`
}

function exemptionDoc(): string {
  const rows = Object.entries(checks).map(([check, { rules: covered, text }]) => {
    const bit = (EXEMPT as Readonly<Record<string, number>>)[check]
    const how = bit === undefined ? 'no flow drops its tags' : `\`reg0\` bit ${Math.log2(bit)}`
    return `| \`${check}\` | ${covered.join(', ')} | ${text} | ${how} |`
  })
  const ruleRows = Object.entries(rules).map(([rule, text]) => `| ${rule} | ${text} |`)
  return `## Rules and checks

A flow's cookie is \`0x5057\`, the number of its rule, and the first eight digits of the port's id (zero for the bridge's own).

| rule | what holds |
| --- | --- |
${ruleRows.join('\n')}

\`portward:checks\` exempts a port, or each new port of a network, from a check: \`{"dhcp-server": false, "vlan": [100], "ethertype": ["0x88cc"]}\`. Table 0 sets a bit of \`reg0\`; a
shared flow that drops wants it zero. Where \`vlan\` is a list the port is a trunk: such a tag is taken off, table 26 looks behind it, and it goes back on.

| check | rules | what holds without an exemption | how an exemption is carried |
| --- | --- | --- | --- |
${rows.join('\n')}`
}

function fragmentDoc(own: readonly Flow[]): string {
  const seen = new Set(own.map(plain))
  const more = bridgeFlows('own', 'hidden').filter((flow) => !seen.has(plain(flow)))
  return `## Fragments

Open vSwitch by default hides from flows what is in fragments. On a bridge of our own the agent sets \`nx-match\` (\`ovs-ofctl get-frags br-int\`): the first
fragment of a packet is judged by what is in it, and the later ones by their source. On a shared bridge that setting is left as it is. Where it hides them, first fragments of
UDP and ICMPv6 have no ports and no type, and so are dropped by the flows above; of ICMP this one does it as well:

${listing(more, tables.kind.id)}`
}

if (import.meta.main) await writeFile(FILE, pipelineDoc())
