import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '@portward/addr'
import { explain } from './explain.ts'
import { PhraseError, frameOf, phrases } from './phrase.ts'
import type { Subject } from './subject.ts'

const MAC = 'fa:16:3e:00:00:10'
const LINK = 'fe80::f816:3eff:fe00:10'
const subject: Subject = {
  spec: {
    portId: '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463',
    mac: parseMac(MAC),
    ips: [parseIp('fd00::1'), parseIp('10.0.0.1')],
    allowedAddressPairs: [],
  },
  ofport: 7,
  guarded: true,
  up: true,
  mode: 'own',
  fragments: 'seen',
}

void test('each form is the frame that it names, and is judged by the rule that speaks of it', () => {
  const rows: readonly (readonly [
    phrase: string,
    what: string,
    verdict: 'delivered' | 'dropped',
    /** Of what is dropped. */
    rule: number | undefined,
  ])[] = [
    ['arp 10.0.0.9', `an ARP announcement: 10.0.0.9 is at ${MAC}`, 'dropped', 3],
    [
      'arp 10.0.0.1 to 10.0.0.2',
      `an ARP request: 10.0.0.1 is at ${MAC}, and asks for 10.0.0.2`,
      'delivered',
      undefined,
    ],
    ['arp-reply 10.0.0.1', `an ARP reply: 10.0.0.1 is at ${MAC}`, 'delivered', undefined],
    ['arp-reply 10.0.0.9 to 10.0.0.2', `an ARP reply: 10.0.0.9 is at ${MAC}`, 'dropped', 3],
    [
      'arp-probe 10.0.0.1',
      `an ARP probe: ${MAC} asks whether 10.0.0.1 is taken`,
      'delivered',
      undefined,
    ],
    ['arp-probe 10.0.0.9', `an ARP probe: ${MAC} asks whether 10.0.0.9 is taken`, 'dropped', 4],
    ['rarp', `a RARP announcement of ${MAC}`, 'delivered', undefined],
    [
      'ip from 10.0.0.9',
      `a UDP packet (port 49152 to 9) from 10.0.0.9 to 255.255.255.255, sent by ${MAC}`,
      'dropped',
      6,
    ],
    [
      'ip from fd00::1 to fd00::2',
      `a UDP packet (port 49152 to 9) from fd00::1 to fd00::2, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'na fd00::9',
      `a neighbour advertisement: fd00::9 is at ${MAC}; from ${LINK} to ff02::1, sent by ${MAC}`,
      'dropped',
      12,
    ],
    [
      'ns fd00::9',
      `a neighbour solicitation for fd00::9, from ${LINK} to ff02::1:ff00:9, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'dad fd00::9',
      `duplicate address detection: is fd00::9 taken? from :: to ff02::1:ff00:9, sent by ${MAC}`,
      'dropped',
      10,
    ],
    ['ra', `a router advertisement from ${LINK} to ff02::1, sent by ${MAC}`, 'dropped', 13],
    ['rs', `a router solicitation from ${LINK} to ff02::2, sent by ${MAC}`, 'delivered', undefined],
    [
      'redirect',
      `an ICMP redirect from 10.0.0.1 to 255.255.255.255, sent by ${MAC}`,
      'dropped',
      13,
    ],
    ['redirect6', `an ICMPv6 redirect from ${LINK} to ff02::1, sent by ${MAC}`, 'dropped', 13],
    [
      'dhcp-discover',
      `a DHCP client’s request from 0.0.0.0 to 255.255.255.255, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'dhcp-offer',
      `a DHCP server’s answer from 10.0.0.1 to 255.255.255.255, sent by ${MAC}`,
      'dropped',
      8,
    ],
    [
      'dhcpv6-solicit',
      `a DHCPv6 client’s request from ${LINK} to ff02::1:2, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'dhcpv6-reply',
      `a DHCPv6 server’s answer from ${LINK} to ff02::1, sent by ${MAC}`,
      'dropped',
      14,
    ],
    ['mld-query', `an MLD query from ${LINK} to ff02::1, sent by ${MAC}`, 'dropped', 13],
    [
      'mld-report',
      `an MLDv2 report from ${LINK} to ff02::16, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'igmp-query',
      `an IGMP query or report from 10.0.0.1 to 224.0.0.1, sent by ${MAC}`,
      'dropped',
      13,
    ],
    [
      'igmp-report',
      `an IGMPv3 report from 10.0.0.1 to 224.0.0.22, sent by ${MAC}`,
      'delivered',
      undefined,
    ],
    [
      'lldp',
      `a frame of EtherType 0x88cc (LLDP) to 01:80:c2:00:00:0e, sent by ${MAC}`,
      'dropped',
      16,
    ],
    ['bpdu', `a spanning tree frame (LLC), sent by ${MAC}`, 'dropped', 16],
    [
      'ethertype 0x88cc',
      `a frame of EtherType 0x88cc (LLDP) to ff:ff:ff:ff:ff:ff, sent by ${MAC}`,
      'dropped',
      16,
    ],
    [
      'vlan 100 arp 10.0.0.1',
      `an ARP announcement: 10.0.0.1 is at ${MAC}, tagged with VLAN 100`,
      'dropped',
      2,
    ],
    [
      'VLAN 100 vlan 0x0a mac FA-16-3E-00-00-99 Rarp',
      'a frame with a further VLAN tag (0x8100), sent by fa:16:3e:00:00:99, tagged with VLAN 100',
      'dropped',
      2,
    ],
    [
      'mac fa:16:3e:00:00:99 arp 10.0.0.1',
      'an ARP announcement: 10.0.0.1 is at fa:16:3e:00:00:99',
      'dropped',
      3,
    ],
    [
      'mac fa:16:3e:00:00:99 ip from 10.0.0.1',
      'a UDP packet (port 49152 to 9) from 10.0.0.1 to 255.255.255.255, sent by fa:16:3e:00:00:99',
      'dropped',
      1,
    ],
  ]
  for (const row of rows) {
    const [phrase] = row
    const { what, verdict, rule } = explain(subject, frameOf(phrase, subject.spec))
    const droppedBy = verdict === 'dropped' ? rule : undefined
    assert.deepEqual([phrase, what, verdict, droppedBy], row)
  }
  const kinds = new Set(rows.flatMap(([phrase]) => phrase.toLowerCase().split(' ')))
  for (const form of phrases) assert.ok(kinds.has(form.replace(/ .*/, '')), form)
})

void test('what is not understood: the word, and what is', () => {
  const rows = [
    ['', /^wanted a kind of frame, got the end: understood are arp IP/],
    ['apr 10.0.0.9', /^"apr" is no kind of frame: understood are arp IP .* "vlan VID"/],
    ['constructor', /^"constructor" is no kind of frame/],
    ['arp', /^wanted an IPv4 address, got the end: /],
    ['arp fd00::9', /^wanted an IPv4 address, got "fd00::9": /],
    ['na 10.0.0.9', /^wanted an IPv6 address, got "10.0.0.9": /],
    ['ip 10.0.0.9', /^wanted "from", got "10.0.0.9": /],
    ['ip from 10.0.0.9 to fd00::9', /^"10.0.0.9" and "fd00::9" are addresses of two families/],
    ['rarp now', /^wanted nothing more, got "now": /],
    ['vlan 4096 rarp', /^wanted a VLAN id, got "4096": /],
    ['vlan -1 rarp', /^wanted a VLAN id, got "-1": /],
    ['ethertype 0x05ff', /^wanted an EtherType from 0x0600, got "0x05ff": /],
    ['mac x rarp', /^wanted a MAC address, got "x": /],
  ] as const
  for (const [phrase, message] of rows) {
    assert.throws(
      () => frameOf(phrase, subject.spec),
      (error) => {
        assert.ok(error instanceof PhraseError, phrase)
        assert.match(error.message, message)
        return true
      },
    )
  }
  const none = { mac: parseMac(MAC), ips: [parseIp('fd00::1')] }
  assert.throws(
    () => frameOf('dhcp-offer', none),
    /"dhcp-offer" comes from the port’s IPv4 address/,
  )
  assert.ok(frameOf('dhcp-discover', none))
})
