import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDeclaration } from './declaration.ts'

function problems(...texts: readonly string[]): readonly string[] {
  const sources = texts.map((text, i) => ({ name: i === 0 ? 'ports.yaml' : `more${i}.yaml`, text }))
  return readDeclaration(sources).problems
}

/** The one port of the one network, as a line of YAML. */
function port(fields: string): string {
  return `networks:\n  - name: lan\n    ports:\n      - {name: web1, ${fields}}\n`
}

void test('all that is wrong is said, with its place and what is meant', () => {
  const text = `networks:
  - name: lan
    mtu: big
    subnets:
      - cidr: 10.0.0.0
    ports:
      - name: web1
        fixed_ip: [10.0.0.10]
      - name: web2
        mac_address: fa:16
        allowed_address_pairs: [{mac: x}]
        portward:checks: {dhcp_server: false, vlan: [0]}
`
  assert.deepEqual(problems(text), [
    'ports.yaml:3:10: wanted an integer from 68 to 65535, got "big"',
    'ports.yaml:5:15: wanted a CIDR such as 10.0.0.0/24, got "10.0.0.0"',
    "ports.yaml:8:9: a port has no 'fixed_ip': is fixed_ips meant?",
    'ports.yaml:10:22: wanted a MAC address such as fa:16:3e:00:00:10, got "fa:16"',
    "ports.yaml:11:34: an address pair has no 'mac': it has ip_address, mac_address",
    "ports.yaml:11:33: an address pair needs 'ip_address'",
    "ports.yaml:12:27: portward:checks has no 'dhcp_server': is dhcp-server meant?",
    'ports.yaml:12:54: wanted an integer from 1 to 4094, got 0',
  ])
})

void test('what is not YAML as it should be is said with its place', () => {
  for (const [text, sentence] of [
    ['networks:\n\t- name: lan\n', /^ports\.yaml:2:1: Tabs/],
    ['networks: []\nnetworks: []\n', /^ports\.yaml:2:1: Map keys must be unique/],
    ['networks: [\n', /^ports\.yaml:2:1: /],
    ['networks: !secret []\n', /^ports\.yaml:1:11: /],
    ['networks: []\n---\nnetworks: []\n', /^ports\.yaml:2:1: /],
    ['', /^ports\.yaml:1:1: it is empty/],
    ['# networks: []\n', /^ports\.yaml:1:1: it is empty/],
    ['- lan\n', /^ports\.yaml:1:1: wanted a file as a map \(networks/],
    ['{}', /^ports\.yaml:1:1: a file needs 'networks'/],
    ['networks:\n', /^ports\.yaml:1:10: wanted a list of networks, got nothing/],
    ['networks: [{name: 12}]', /^ports\.yaml:1:19: wanted a name; .*in quotes, got 12/],
    ['networks: [{name: "", [a]: b}]', /^ports\.yaml:1:23: a key must be a word/],
    ['networks: [{<<: {name: x}}]', /^ports\.yaml:1:13: a network has no '<<'/],
    ['networks: &n [*n]', /^ports\.yaml:1:15: /],
  ] as const) {
    assert.match(problems(text)[0] ?? 'nothing', sentence, text)
  }
})

void test('an anchor may be used; a bomb of them is defused', () => {
  const shared = 'networks: [{name: a, subnets: &s [{cidr: 10.0.0.0/24}]}, {name: b, subnets: *s}]'
  assert.deepEqual(problems(shared), [])
  const bomb = Array.from({ length: 12 }, (_, i) => {
    const inner = i === 0 ? '[x]' : `[${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`
    return `a${i}: &a${i} ${inner}`
  })
  assert.match(
    problems(`${bomb.join('\n')}\n`)[0] ?? '',
    /^ports\.yaml:\d+:\d+: aliases unfold to more than/,
  )
})

void test('what can be there once is told of the first place', () => {
  const text = `networks:
  - name: lan
    subnets: [{name: s, cidr: 10.0.0.0/24}, {name: s, cidr: 10.0.0.7/24}]
    ports:
      - {name: a, mac_address: FA-16-3E-00-00-01, fixed_ips: ['FD00::1'], interface: tap0}
      - {name: a, mac_address: fa:16:3e:00:00:01, fixed_ips: ['fd00:0::1'], interface: tap0}
`
  assert.deepEqual(problems(text), [
    'ports.yaml:3:46: subnet s of network lan is declared already, at ports.yaml:3:16',
    'ports.yaml:3:55: subnet 10.0.0.0/24 of network lan is declared already, at ports.yaml:3:25',
    'ports.yaml:6:10: port a of network lan is declared already, at ports.yaml:5:10',
    'ports.yaml:6:19: fa:16:3e:00:00:01 on network lan is declared already, at ports.yaml:5:19',
    'ports.yaml:6:51: fd00::1 on network lan is declared already, at ports.yaml:5:51',
    'ports.yaml:6:77: interface tap0 is declared already, at ports.yaml:5:75',
  ])
  const [twice] = problems('networks: [{name: lan}]', 'networks: [{name: lan}]')
  assert.equal(twice, 'more1.yaml:1:13: network lan is declared already, at ports.yaml:1:13')
})

void test('what contradicts itself is refused', () => {
  for (const [fields, sentence] of [
    ['host: h1', /host says where its interface is/],
    ['port_security_enabled: false, allowed_address_pairs: [10.0.0.9]', /need port security/],
    ['device_owner: network:dhcp, port_security_enabled: true', /never guarded/],
    [
      'allowed_address_pairs: [10.0.0.9, 10.0.0.9]',
      /pair 10\.0\.0\.9 of port web1 is declared already/,
    ],
    ['allowed_address_pairs: [10.0.0.9/24]', /a CIDR whose host bits are zero/],
    ['fixed_ips: [{}]', /needs 'ip_address', 'subnet' or both/],
    ['fixed_ips: 10.0.0.1', /wanted a list of addresses, got "10\.0\.0\.1"/],
    ['admin_state_up: yes', /wanted true or false, got "yes"/],
  ] as const) {
    assert.match(problems(port(fields)).join(), sentence, fields)
  }
})

void test('JSON is read as well', () => {
  assert.deepEqual(problems('{"networks": [{"name": "lan", "ports": [{"name": "web1"}]}]}'), [])
})
