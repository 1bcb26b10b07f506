import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ipOfBytes, macOfBytes, prefixOf } from '@portward/addr'
import { records } from './records.ts'
import type {
  AliveRecord,
  AppliedRecord,
  ChecksRecord,
  HostPortRecord,
  NetworkRecord,
  OwnerRecord,
  PlugRecord,
  PortRecord,
  RecordCodec,
  SeenRecord,
  SubnetRecord,
} from './records.ts'

const noNullPrototype = true
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const macs = bytes(6).map(macOfBytes)
const ips = fc.oneof(bytes(4), bytes(16)).map(ipOfBytes)
const prefixes = fc.tuple(ips, fc.nat(32)).map(([ip, length]) => prefixOf(ip, length))
const text = fc.string({ unit: 'grapheme' })
const integer = fc.maxSafeNat()
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

const resource = {
  id: fc.uuid(),
  projectId: text,
  name: text,
  description: text,
  tags: fc.array(text),
  createdAt: text,
  updatedAt: text,
  revision: integer,
}

const exempted = fc.constant(false as const)
const listOf = (min: number, max: number) =>
  fc.oneof(exempted, fc.uniqueArray(fc.integer({ min, max }), { minLength: 1 }))
const checks: fc.Arbitrary<ChecksRecord> = fc.record(
  {
    arp: exempted,
    nd: exempted,
    source: exempted,
    'dhcp-server': exempted,
    ra: exempted,
    redirect: exempted,
    query: exempted,
    vlan: listOf(1, 4094),
    ethertype: listOf(0x0600, 0xffff),
  },
  { requiredKeys: [], noNullPrototype },
)

const networks: fc.Arbitrary<NetworkRecord> = fc.record(
  {
    ...resource,
    adminStateUp: fc.boolean(),
    portSecurityEnabled: fc.boolean(),
    mtu: integer,
    checks,
    provider: fc.record(
      {
        type: fc.constantFrom('local' as const, 'flat' as const, 'vlan' as const),
        physicalNetwork: orNull(text),
        segmentationId: orNull(fc.integer({ min: 1, max: 4094 })),
      },
      { noNullPrototype },
    ),
  },
  { noNullPrototype },
)

const subnets: fc.Arbitrary<SubnetRecord> = fc.record(
  {
    ...resource,
    networkId: fc.uuid(),
    cidr: prefixes,
    gatewayIp: orNull(ips),
    enableDhcp: fc.boolean(),
    allocationPools: fc.array(fc.record({ start: ips, end: ips }, { noNullPrototype })),
    dnsNameservers: fc.array(text),
    hostRoutes: fc.array(fc.record({ destination: text, nexthop: text }, { noNullPrototype })),
    ipv6AddressMode: orNull(text),
    ipv6RaMode: orNull(text),
  },
  { noNullPrototype },
)

const ports: fc.Arbitrary<PortRecord> = fc.record(
  {
    ...resource,
    networkId: fc.uuid(),
    adminStateUp: fc.boolean(),
    mac: macs,
    fixedIps: fc.array(fc.record({ subnetId: fc.uuid(), ip: ips }, { noNullPrototype })),
    allowedAddressPairs: fc.array(
      fc.record({ mac: macs, prefix: prefixes, text }, { noNullPrototype }),
    ),
    portSecurityEnabled: fc.boolean(),
    deviceId: text,
    deviceOwner: text,
    hostId: text,
    boundHost: text,
    vnicType: text,
    bindingProfile: fc.dictionary(text, fc.constantFrom(1, 'a', null), { noNullPrototype }),
    checks,
  },
  { noNullPrototype },
)

const owners: fc.Arbitrary<OwnerRecord> = fc.record({ portId: fc.uuid() }, { noNullPrototype })

const hostPorts: fc.Arbitrary<HostPortRecord> = fc.record(
  {
    portId: fc.uuid(),
    networkId: fc.uuid(),
    mac: macs,
    ips: fc.array(ips),
    allowedAddressPairs: fc.array(fc.record({ mac: macs, prefix: prefixes }, { noNullPrototype })),
    guarded: fc.boolean(),
    up: fc.boolean(),
    checks,
    vlan: fc.integer({ min: 0, max: 4094 }),
  },
  { noNullPrototype },
)

const plugs: fc.Arbitrary<PlugRecord> = fc.record({ portId: fc.uuid() }, { noNullPrototype })

const seen: fc.Arbitrary<SeenRecord> = fc.record(
  {
    portId: orNull(text),
    type: text,
    ofport: orNull(integer),
    mac: orNull(macs),
    state: fc.constantFrom('guarded', 'open', 'trunk', 'silent', 'blocked', 'foreign'),
    reason: orNull(text),
  },
  { noNullPrototype },
)

const applied: fc.Arbitrary<AppliedRecord> = fc.record(
  { revision: integer, iface: text, ofport: integer, flows: integer },
  { noNullPrototype },
)

const alive: fc.Arbitrary<AliveRecord> = fc.record(
  {
    host: text,
    version: text,
    startedAt: text,
    bridge: text,
    mode: fc.constantFrom('own', 'shared'),
    state: fc.constantFrom('connecting', 'syncing', 'in-sync'),
    notes: fc.array(text),
  },
  { noNullPrototype },
)

/** Members that were not always there, and what a record from before has for them. */
const added = {
  checks: {},
  provider: { type: 'local', physicalNetwork: null, segmentationId: null },
  vlan: 0,
} as const

function roundTrip<T extends object>(
  name: keyof typeof records,
  codec: RecordCodec<T>,
  arbitrary: fc.Arbitrary<T>,
): void {
  const key = `some/${name}`

  void test(`${name}: what was encoded decodes to the same`, () => {
    fc.assert(
      fc.property(arbitrary, (record) => {
        assert.deepEqual(codec.decode({ key, value: codec.encode(record) }), record)
      }),
    )
  })

  void test(`${name}: without one of its members, or with one of another type, it is an error that names both`, () => {
    const [sample = assert.fail()] = fc.sample(arbitrary, 1)
    for (const member of Object.keys(sample)) {
      const without = Object.fromEntries(Object.entries(sample).filter(([m]) => m !== member))
      if (!Object.hasOwn(added, member)) {
        assert.throws(
          () => codec.decode({ key, value: JSON.stringify(without) }),
          new RegExp(`^Error: ${key}: the record .*\\b${member}$`),
        )
      }
      const wrong = JSON.stringify({ ...sample, [member]: [[]] })
      assert.throws(
        () => codec.decode({ key, value: wrong }),
        new RegExp(`^Error: ${key}: /${member}\\b`),
      )
    }
  })

  void test(`${name}: a member that a later version added is no error`, () => {
    const [sample = assert.fail()] = fc.sample(arbitrary, 1)
    codec.decode({ key, value: JSON.stringify({ ...sample, later: 1 }) })
  })

  for (const value of ['', '{', 'null', '[]', '1']) {
    void test(`${name}: ${JSON.stringify(value)} is an error that names the key`, () => {
      assert.throws(() => codec.decode({ key, value }), new RegExp(`^Error: ${key}: `))
    })
  }
}

roundTrip('network', records.network, networks)
roundTrip('subnet', records.subnet, subnets)
roundTrip('port', records.port, ports)
roundTrip('owner', records.owner, owners)
roundTrip('hostPort', records.hostPort, hostPorts)
roundTrip('plug', records.plug, plugs)
roundTrip('seen', records.seen, seen)
roundTrip('applied', records.applied, applied)
roundTrip('alive', records.alive, alive)

function upgrade<T extends object>(
  name: keyof typeof records,
  codec: RecordCodec<T>,
  arbitrary: fc.Arbitrary<T>,
): void {
  void test(`${name}: one from before there were exemptions and VLANs is readable, and has none`, () => {
    fc.assert(
      fc.property(arbitrary, (record) => {
        const isLate = ([member]: readonly [string, unknown]): boolean =>
          Object.hasOwn(record, member)
        const late = Object.fromEntries(Object.entries(added).filter(isLate))
        const old = Object.entries(record).filter(([member]) => !Object.hasOwn(late, member))
        assert.ok(old.length < Object.keys(record).length)
        const value = JSON.stringify(Object.fromEntries(old))
        assert.deepEqual(codec.decode({ key: 'k', value }), { ...record, ...late })
        const written = codec.encode(codec.decode({ key: 'k', value }))
        assert.equal(written, codec.encode({ ...record, ...late }))
      }),
    )
  })
}

upgrade('network', records.network, networks)
upgrade('port', records.port, ports)
upgrade('hostPort', records.hostPort, hostPorts)

const hostPort = {
  portId: '1',
  networkId: '2',
  mac: 'fa:16:3e:00:00:10',
  ips: ['10.0.0.5'],
  allowedAddressPairs: [{ mac: 'fa:16:3e:00:00:11', prefix: '10.0.1.0/24' }],
  guarded: true,
  up: true,
  checks: {},
}
const exemption = (checks: unknown) => ({ checks })
const pair = (mac: string, prefix: string) => ({ allowedAddressPairs: [{ mac, prefix }] })

/** An address in another spelling would never equal that of a frame, and its guard be wrong without a word. */
const misspelt = [
  [{ mac: 'FA:16:3E:00:00:10' }, '/mac must be a MAC address in its canonical form, not "FA:'],
  [{ mac: 'fa163e000010' }, '/mac must be a MAC address'],
  [{ ips: ['10.0.0.5', '10.0.0.05'] }, '/ips/1 must be an IP address in its canonical form'],
  [{ ips: ['FD00::5'] }, '/ips/0 must be an IP address'],
  [{ ips: ['fd00:0:0::5'] }, '/ips/0 must be an IP address'],
  [{ ips: ['10.0.0.5/32'] }, '/ips/0 must be an IP address'],
  [pair('fa:16:3e:00:00:11', '10.0.1.7/24'), '/allowedAddressPairs/0/prefix must be a prefix'],
  [pair('fa:16:3e:00:00:11', '10.0.1.7'), '/allowedAddressPairs/0/prefix must be a prefix'],
  [pair('', '10.0.1.0/24'), '/allowedAddressPairs/0/mac must be a MAC address'],
  // What no guard knows how to exempt from.
  [exemption(null), '/checks must be object'],
  [exemption([]), '/checks must be object'],
  [exemption({ arp: true }), '/checks/arp '],
  [exemption({ arp: [1] }), '/checks/arp '],
  [exemption({ vlan: true }), '/checks/vlan '],
  [exemption({ vlan: [] }), '/checks/vlan '],
  [exemption({ vlan: [0] }), '/checks/vlan '],
  [exemption({ vlan: [4095] }), '/checks/vlan '],
  [exemption({ ethertype: ['0x88cc'] }), '/checks/ethertype '],
  [exemption({ ethertype: [0x05fe] }), '/checks/ethertype '],
  [exemption({ ethertype: [0x10000] }), '/checks/ethertype '],
] as const
for (const [change, error] of misspelt) {
  void test(`a host's port with ${JSON.stringify(change)} is an error that names the member`, () => {
    const key = 'hosts/h/ports/1'
    records.hostPort.decode({ key, value: JSON.stringify(hostPort) })
    assert.throws(
      () => records.hostPort.decode({ key, value: JSON.stringify({ ...hostPort, ...change }) }),
      ({ message }: Error) => message.startsWith(`${key}: ${error}`),
    )
  })
}
