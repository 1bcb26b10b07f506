// The corpus itself: that it has what its users count on, and that honest frames are what they are said to be, in the eyes of
// another implementation.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../src/run.ts'
import type { CorpusFrame } from './index.ts'
import { canonical, corpus, corpusFamilies, kinds, passesAt, station } from './index.ts'

const [own, other, peer] = [station(3), station(2), station(1)]
const bytesOf = ({ frame }: CorpusFrame): Uint8Array => frame(own, other, peer)
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

void test('there are 600 frames, each with a name of its own', () => {
  assert.ok(corpus.length >= 600, `${corpus.length}`)
  const names = corpus.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  assert.deepEqual(
    names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    [],
  )
})

void test('no two are the same when they arrive, so that one cannot pass for another', () => {
  const names = new Map<string, string>()
  for (const frame of corpus) {
    const hex = hexOf(canonical(bytesOf(frame)))
    assert.equal(names.get(hex), undefined, `${frame.name} is ${names.get(hex)}`)
    names.set(hex, frame.name)
  }
})

void test('each says where it comes from', () => {
  assert.deepEqual(
    corpus.filter(({ source }) => source.trim() === ''),
    [],
  )
})

void test('each fits into a frame of 1500 bytes and a tag, and has an Ethernet header', () => {
  const sizes = corpus.map((frame) => bytesOf(frame).length)
  assert.equal(Math.min(...sizes), 14)
  assert.equal(Math.max(...sizes), 14 + 4 + 1500)
})

void test('each family has honest and hostile frames, but for what no station may say', () => {
  for (const [name, frames] of Object.entries(corpusFamilies)) {
    assert.ok(
      frames.some(({ honest }) => honest === false),
      name,
    )
    if (name === 'ethertypes') continue
    assert.ok(
      frames.some(({ honest }) => honest === true),
      name,
    )
  }
})

void test('each rule is broken, and each that lets something pass is kept', () => {
  const letNothingPass = [8, 13, 16]
  for (let rule = 1; rule <= 16; rule++) {
    const frames = corpus.filter((frame) => frame.rule === rule)
    assert.ok(
      frames.some(({ honest, passes }) => honest !== true && passes !== 'everywhere'),
      `rule ${rule}`,
    )
    if (letNothingPass.includes(rule)) continue
    assert.ok(
      frames.some(({ honest }) => honest === true),
      `rule ${rule}`,
    )
  }
})

void test('at each kind of port passes what does not at a plain one', () => {
  const besides = (kind: (typeof kinds)[number]): number =>
    corpus.filter((frame) => passesAt(frame, kind) && !passesAt(frame, 'plain')).length
  for (const kind of kinds) assert.equal(besides(kind) > 0, kind !== 'plain', kind)
})

void test('hostile frames pass nowhere, but for what a kind of port permits; undecidable ones are decided', () => {
  const wrong = corpus.filter(({ honest, passes }) => honest === false && passes === 'everywhere')
  assert.deepEqual(wrong, [])
  const dropped = corpus.filter(({ honest, passes }) => honest === true && passes.length === 0)
  assert.deepEqual(dropped, [])
})

void test('the bytes follow the stations', () => {
  const elsewhere = (frame: CorpusFrame): Uint8Array =>
    frame.frame(station(13), station(12), station(11))
  const fixed = corpus.filter((frame) => hexOf(elsewhere(frame)) === hexOf(bytesOf(frame)))
  // They are said by a virtual router to all, and name nobody else.
  const virtual = ['vrrp-announcement-virtual-mac', 'vrrp-rarp-virtual-mac']
  const virtual6 = ['vrrp-na-virtual-mac', 'vrrp-na-virtual-mac-link-local']
  const mixed = ['vrrp-virtual-mac6-arp', 'vrrp-virtual-mac-na']
  assert.deepEqual(fixed.map(({ name }) => name).sort(), [...virtual, ...virtual6, ...mixed].sort())
})

void test('scapy finds every length and checksum of honest frames right, fragments put together', async () => {
  const packets = new Map<string, string[]>()
  for (const frame of corpus) {
    if (frame.honest !== true) continue
    const name = frame.name.replace(/^(fragment.*)-\d+$/, '$1')
    packets.set(name, [...(packets.get(name) ?? []), hexOf(bytesOf(frame))])
  }
  assert.ok(packets.size > 150)
  const input = [...packets.values()].map((parts) => `${parts.join(' ')}\n`).join('')
  const script = join(import.meta.dirname, 'checked-by-scapy.py')
  const { stdout } = await run(['/usr/bin/python3', '-I', script], { input })
  const found = stdout.split('\n').slice(0, -1)
  assert.equal(found.length, packets.size)
  const wrong = [...packets.keys()].map((name, i) => `${name}: ${found[i]}`)
  assert.deepEqual(
    wrong.filter((text) => !text.endsWith(': ')),
    [],
  )
})
