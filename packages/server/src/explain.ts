// POST /portward/v1/ports/ID/explain: why a frame of the port passes or not, and what request would let it. What is declared is
// judged here; and the running switch is asked, where this process has one, so that the two can be held against each other.

import { bytesOfIpv6, isIpv4, linkLocalOf, macOfBytes, prefixParts } from '@portward/addr'
import type { Ip, Ipv6, Mac } from '@portward/addr'
import { PhraseError, explain, frameOf, opens } from '@portward/portsec'
import type { Claim, Explanation, Owners, Remedy, Subject } from '@portward/portsec'
import { keys } from '@portward/store'
import type { PortRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { bodyOf } from './body.ts'
import { ETHERTYPES_MAX, showChecks } from './checks.ts'
import { askedBy, baseOf } from './collection.ts'
import { errors } from './errors.ts'
import { ownerOf } from './fixed-ips.ts'
import { kind, string } from './kinds.ts'
import { adminOnly } from './policy.ts'
import { port } from './port.ts'
import { portState, seenAt } from './port-state.ts'
import { hostPortOf } from './port-write.ts'
import type { LocalHost, PortwardOptions } from './portward.ts'
import { ROOT, withinReason } from './portward.ts'
import type { Query } from './query.ts'
import { textsOf } from './query.ts'
import type { Replica } from './replica.ts'
import { readValues, storedAt } from './resource.ts'
import type { Context } from './transact.ts'
import { applied, settle } from './wait.ts'

/** An Ethernet header, and what a switch takes at most. */
const FRAME_MIN = 14
const FRAME_MAX = 65_535
const WORDS_MAX = 1000
const FRAME = String.raw`^(?:(?:[\s:]*[0-9a-fA-F]){2}){${FRAME_MIN},${FRAME_MAX}}[\s:]*$`
/** A change that was just made is on its way to the switch: until it is there, that says something else, and for no fault. */
const UNDER_WAY_SECONDS = 1

const frame = kind({
  schema: Type.String({ pattern: FRAME }),
  wanted: `the bytes of an Ethernet frame as hex, from ${FRAME_MIN} to ${FRAME_MAX} of them`,
  convert(text) {
    const hex = text.replaceAll(/[\s:]/g, '')
    const bytes = Buffer.from(hex, 'hex')
    const whole = bytes.length * 2 === hex.length
    if (!whole || bytes.length < FRAME_MIN || bytes.length > FRAME_MAX) throw new TypeError('size')
    return Uint8Array.from(bytes)
  },
})

export const question = {
  name: 'question',
  attributes: {
    frame: { kind: frame, post: 'optional' },
    words: { kind: string(WORDS_MAX), post: 'optional' },
  },
} as const

export function serveExplain(
  app: FastifyInstance,
  { context, local, signal }: PortwardOptions,
): void {
  const { replica } = context
  app.post<{ Params: { id: string }; Querystring: Query }>(
    `${ROOT}/ports/:id/explain`,
    async (request) => {
      const { id } = request.params
      // It names the owners of what others' frames claim.
      adminOnly(request.caller, 'to have a frame explained')
      const asked = readValues(question, 'POST', bodyOf(request))
      const offline = isOffline(request.query)
      const frame = frameIn(asked, storedAt(port, askedBy(context, request), id).record)
      const first = await answer(id, frame, offline, baseOf(request))
      if (first.applied || !disagrees(first)) return first
      await settle(replica, [applied(id)], UNDER_WAY_SECONDS, signal)
      return answer(id, frame, offline, baseOf(request))
    },
  )

  async function answer(id: string, frame: Uint8Array, offline: boolean, base: string) {
    const { record } = storedAt(port, context, id)
    const subject = subjectOf(record, context, local)
    const explanation = explain(subject, frame)
    const owners = ownersIn(replica, record)
    const { host, iface, ofport, applied: done, reason } = portState(record, replica)
    const { verdict, rule, ruleText, what, path, claim, remedy, note } = explanation
    return {
      port_id: record.id,
      name: record.name,
      host: host === '' ? null : host,
      iface,
      ofport,
      applied: done,
      reason,
      frame: { hex: Buffer.from(frame).toString('hex'), words: what },
      verdict,
      rule,
      rule_text: ruleText,
      path,
      claim: claim === undefined ? null : { ...claim, owner: claimed(claim, owners) },
      remedy:
        remedy === undefined
          ? null
          : {
              ...requestOf(remedy, record, base),
              opens: opens(remedy, subject, inWords(owners)).join(' '),
            },
      note: note ?? null,
      switch: offline ? null : await askSwitch({ record, host, frame, explanation, local, signal }),
    }
  }
}

function disagrees({ switch: told }: { readonly switch: object | null }): boolean {
  return told !== null && 'agrees' in told && told.agrees === false
}

/** Throws an ApiError when it is neither or both, or words that say nothing. */
function frameIn(
  { frame, words }: { readonly frame?: Uint8Array; readonly words?: string },
  record: PortRecord,
): Uint8Array {
  if ((frame === undefined) === (words === undefined)) throw errors.frameOrWords()
  if (frame !== undefined) return frame
  const paired = record.allowedAddressPairs.flatMap(({ mac, prefix }) => {
    const { ip, length, family } = prefixParts(prefix)
    return mac === record.mac && length === (family === 4 ? 32 : 128) ? [ip] : []
  })
  const ips = [...record.fixedIps.map(({ ip }) => ip), ...paired]
  try {
    return frameOf(words ?? '', { mac: record.mac, ips })
  } catch (error) {
    if (!(error instanceof PhraseError)) throw error
    throw errors.badPhrase(error.message)
  }
}

function isOffline(query: Query): boolean {
  const [text = 'false'] = textsOf(query, 'offline')
  if (text !== 'true' && text !== 'false') {
    throw errors.invalidValue('offline', "'true' or 'false'", text)
  }
  return text === 'true'
}

/** The port as it is declared, where its host has told of its interface. */
function subjectOf(
  record: PortRecord,
  { replica, settings }: Context,
  local: LocalHost | undefined,
): Subject {
  const { guarded, up, ...spec } = hostPortOf(record, replica)
  const host = record.boundHost
  const seen = seenAt(record.id, host, replica)?.record
  const mode = replica.alive.get(keys.hostAlive(host))?.record.mode ?? 'own'
  const here = local?.host === host ? local : undefined
  const silent = up && seen?.state === 'silent' && seen.ofport !== null ? seen.reason : null
  return {
    spec,
    ofport: seen?.ofport ?? 0,
    guarded: guarded && seen?.state !== 'trunk',
    up,
    ...(silent !== null && { silence: silent }),
    mode,
    // On a bridge of its own an agent has them seen; on another's, that is how Open vSwitch comes.
    vlanLimit: here?.vlanLimit() ?? 1,
    fragments: here?.fragments() ?? (mode === 'own' ? 'seen' : 'hidden'),
    most: { pairs: settings.maxPairs, etherTypes: ETHERTYPES_MAX },
  }
}

type Owner = { readonly id: string; readonly name: string }
type OwnersFound = {
  readonly ofIp: (ip: Ip) => Owner | undefined
  readonly ofMac: (mac: Mac) => Owner | undefined
}

/** The other ports of its network. An address that is made of a MAC is that MAC's port's. */
function ownersIn(replica: Replica, { id, networkId }: PortRecord): OwnersFound {
  const named = (portId: string | undefined): Owner | undefined =>
    portId === undefined
      ? undefined
      : { id: portId, name: replica.ports.get(portId)?.record.name ?? '' }
  const ofMac = (mac: Mac): Owner | undefined => {
    const members = replica.portsByNetwork.of(networkId)
    return named([...replica.portsByMac.of(mac)].find((one) => one !== id && members.has(one)))
  }
  const ofIp = (ip: Ip): Owner | undefined => {
    const mac = isIpv4(ip) ? undefined : macIn(ip)
    return (
      named(ownerOf(replica, networkId, ip, id)) ?? (mac === undefined ? undefined : ofMac(mac))
    )
  }
  return { ofIp, ofMac }
}

/** The MAC that a link-local address was made of; undefined where it was not. */
function macIn(ip: Ipv6): Mac | undefined {
  const [a = 0, b = 0, c = 0, , , d = 0, e = 0, f = 0] = bytesOfIpv6(ip).subarray(8)
  const mac = macOfBytes(Uint8Array.of(a ^ 2, b, c, d, e, f))
  return linkLocalOf(mac) === ip ? mac : undefined
}

/** Whose it was, when it is another port's: the address, or else the MAC. */
function claimed({ ip, mac }: Claim, owners: OwnersFound): Owner | null {
  return owners.ofIp(ip) ?? owners.ofMac(mac) ?? null
}

function inWords({ ofIp, ofMac }: OwnersFound): Owners {
  const words = (owner: Owner | undefined): string | undefined =>
    owner && `port ${owner.name === '' ? owner.id : `${owner.name} (${owner.id})`}`
  return { ofIp: (ip) => words(ofIp(ip)), ofMac: (mac) => words(ofMac(mac)) }
}

/** The request that makes the port so, and a command line that sends it. */
function requestOf({ changes, port }: Remedy, record: PortRecord, base: string) {
  const path = `/v2.0/ports/${record.id}`
  const fields: Record<string, unknown> = {}
  const flags: string[] = []
  let openstack = true
  for (const change of changes) {
    switch (change.type) {
      case 'up':
        fields['admin_state_up'] = true
        flags.push('--enable')
        break
      case 'pair': {
        const before = record.allowedAddressPairs.map(({ mac, text }) => pairOf(text, mac))
        const added = changes.flatMap((one) =>
          one.type === 'pair' ? [pairOf(one.ip, one.mac)] : [],
        )
        fields['allowed_address_pairs'] = [...before, ...added]
        flags.push(`--allowed-address ip-address=${change.ip},mac-address=${change.mac}`)
        break
      }
      case 'list':
      case 'exempt':
        fields['portward:checks'] = showChecks(port.spec.checks as PortRecord['checks'])
        openstack = false
        break
      case 'off':
        fields['port_security_enabled'] = false
        flags.push('--disable-port-security')
        if (record.allowedAddressPairs.length === 0) break
        fields['allowed_address_pairs'] = []
        flags.push('--no-allowed-address')
        break
    }
  }
  const body = { port: fields }
  // The one has no flag for checks. It sends the pairs that are there with those it is given.
  const command = openstack
    ? `openstack port set ${flags.join(' ')} ${record.id}`
    : `curl -X PUT ${base}${path} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`
  return { request: { method: 'PUT', path, body }, command }
}

function pairOf(ip: string, mac: Mac): object {
  return { ip_address: ip, mac_address: mac }
}

type Asking = {
  readonly record: PortRecord
  readonly host: string
  readonly frame: Uint8Array
  readonly explanation: Explanation
  readonly local: LocalHost | undefined
  readonly signal: AbortSignal
}

/** What the running switch says, and whether that is the same; or why it was not asked. */
async function askSwitch(asking: Asking): Promise<object> {
  const { record, host, frame, explanation, local, signal } = asking
  if (host === '') return { unavailable: `no host has an interface with iface-id ${record.id}` }
  if (local?.host !== host) {
    const way = 'ovs-appctl ofproto/trace there, or a server in one process with its agent'
    return { unavailable: `its host is ${host}, whose switch this server can't ask: ${way}` }
  }
  try {
    const { delivered, text } = await withinReason(local.trace(record.id, frame), signal)
    const verdict = delivered ? 'delivered' : 'dropped'
    const agrees = !explanation.judged || verdict === explanation.verdict
    return { verdict, agrees, trace: text }
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) }
  }
}
