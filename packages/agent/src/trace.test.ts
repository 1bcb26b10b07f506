import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivers, flowIn } from './trace.ts'

// As Open vSwitch 3.1 prints them.
const arp =
  'arp,in_port=65279,vlan_tci=0x0000,dl_src=fa:16:3e:00:00:10,dl_dst=ff:ff:ff:ff:ff:ff,arp_spa=10.0.0.9,arp_op=2'
const trace = (steps: string, actions: string): string => `Flow: ${arp}

bridge("br-int")
----------------
 0. in_port=1, priority 9
    resubmit(,25)
25. priority 1
${steps}
Final flow: unchanged
Megaflow: recirc_id=0,eth,arp,in_port=1
Datapath actions: ${actions}
`

void test('the frame is asked about at its own port, in the switch’s words', () => {
  assert.equal(flowIn(trace('', 'drop'), 7), arp.replace('65279', '7'))
  const tagged = 'Flow: in_port=65279,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,dl_type=0x8100'
  assert.equal(flowIn(tagged, 7), 'in_port=7,dl_vlan=100,dl_vlan_pcp=0,dl_type=0x8100')
  const rows = [
    [
      'udp,in_port=65279,nw_frag=no,tp_src=9,tp_dst=67',
      'udp,in_port=7,nw_frag=no,udp_src=9,udp_dst=67',
    ],
    ['tcp6,in_port=65279,tp_src=9,tp_dst=67', 'tcp6,in_port=7,tcp_src=9,tcp_dst=67'],
    ['icmp,in_port=65279,icmp_type=8,icmp_code=0', 'icmp,in_port=7,icmp_type=8,icmp_code=0'],
    ['igmp,in_port=65279,nw_ttl=1,igmp_type=17,igmp_code=0', 'igmp,in_port=7,nw_ttl=1'],
    ['ipv6,in_port=65279,nw_proto=1,tp_src=0,tp_dst=0', 'ipv6,in_port=7,nw_proto=1'],
    [
      'icmp6,in_port=65279,icmp_type=135,icmp_code=0,nd_target=::,nd_sll=fa:16:3e:00:00:10,nd_tll=00:00:00:00:00:00',
      'icmp6,in_port=7,icmpv6_type=135,icmpv6_code=0,nd_target=::,nd_sll=fa:16:3e:00:00:10',
    ],
    [
      'icmp6,in_port=65279,icmp_type=136,icmp_code=0,nd_target=::,nd_sll=00:00:00:00:00:00,nd_tll=fa:16:3e:00:00:10',
      'icmp6,in_port=7,icmpv6_type=136,icmpv6_code=0,nd_target=::,nd_tll=fa:16:3e:00:00:10',
    ],
  ] as const
  for (const [written, read] of rows) assert.equal(flowIn(`Flow: ${written}\n`, 7), read)
  const twice = 'Flow: udp,in_port=65279,dl_vlan=100,dl_vlan_pcp=0,dl_vlan1=200,dl_vlan_pcp1=0'
  assert.throws(() => flowIn(twice, 7), /two VLAN tags/)
  assert.throws(() => flowIn('Bad packet', 7), /how it reads the frame: Bad packet/)
})

void test('delivered is what the flows let go, also where NORMAL sends it nowhere', () => {
  const rows = [
    ['    NORMAL\n     -> no learned MAC for destination, flooding\n', '1,3', true],
    ['    NORMAL\n     -> learned port is input port, dropping\n', 'drop', true],
    ['    NORMAL\n     -> packet has reserved destination MAC, dropping\n', 'drop', true],
    ['    NORMAL\n     >> partial VLAN tag, dropping\n', 'drop', false],
    ['    output:3\n', '3', true],
    ['    drop\n', 'drop', false],
    ['    CONTROLLER:65535\n', 'drop', false],
  ] as const
  for (const [steps, actions, wanted] of rows) assert.equal(delivers(trace(steps, actions)), wanted)
  const failed = `${trace('    NORMAL\n', 'drop')}Translation failed (Recursion too deep), packet is dropped.\n`
  assert.equal(delivers(failed), false)
  assert.throws(() => delivers('no such bridge'), /what comes of it: no such bridge/)
})
