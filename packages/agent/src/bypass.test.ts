import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeRow } from './bridge.ts'
import { notesOnBypass } from './bypass.ts'

const plain: BridgeRow = {
  name: 'br-int',
  ports: new Set(),
  fail_mode: 'secure',
  protocols: new Set(),
  datapath_type: '',
  datapath_id: undefined,
  controller: new Set(),
  stp_enable: false,
  rstp_enable: false,
  other_config: new Map(),
}
const tcp = { target: 'tcp:127.0.0.1:6633', connection_mode: undefined }

void test('a bridge that listens to flows alone is worth no note', () => {
  assert.deepEqual(notesOnBypass(plain, []), [])
  assert.deepEqual(notesOnBypass(plain, [{ ...tcp, target: 'punix:/run/x' }]), [])
  assert.deepEqual(notesOnBypass(plain, [{ ...tcp, connection_mode: 'out-of-band' }]), [])
  const off = new Map([['disable-in-band', 'true']])
  assert.deepEqual(notesOnBypass({ ...plain, other_config: off }, [tcp]), [])
})

void test('spanning tree, and an in-band controller, are: with what to do', () => {
  assert.match(
    notesOnBypass({ ...plain, stp_enable: true }, []).join(),
    /stp_enable.*ovs-vsctl set Port PORT other_config:stp-enable=false/,
  )
  assert.match(
    notesOnBypass({ ...plain, rstp_enable: true }, []).join(),
    /rstp_enable.*other_config:rstp-enable=false/,
  )
  const mode = notesOnBypass(plain, [{ ...tcp, connection_mode: 'in-band' }])
  assert.deepEqual(notesOnBypass(plain, [tcp]), mode)
  assert.match(mode.join(), /tcp:127\.0\.0\.1:6633.*other_config:disable-in-band=true/)
})
