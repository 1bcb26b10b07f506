import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clings } from './datapath.ts'

void test('a cached verdict may outlive its flows in the userspace datapath before the release that mended it', () => {
  for (const version of ['2.5.0', '2.9.8', '2.16.7', '2.17.7', '3.0.4', '3.1.0', '3.1.2']) {
    assert.equal(clings('netdev', version), true, version)
  }
  for (const version of [
    '2.17.8',
    '2.17.10',
    '3.0.5',
    '3.1.3',
    '3.2.0',
    '3.3.0',
    '3.10.0',
    '4.0.0',
  ]) {
    assert.equal(clings('netdev', version), false, version)
  }
})

void test('what a distribution adds to a version says nothing', () => {
  assert.equal(clings('netdev', '3.1.0-2+deb12u1'), true)
  assert.equal(clings('netdev', '3.3.0-1ubuntu3'), false)
})

void test('between two lines, or without a version that can be read, it counts as yes', () => {
  for (const version of ['2.17.90', '3.1.90', '3.2.90', undefined, '', '3.3', 'DPDK']) {
    assert.equal(clings('netdev', version), true, version)
  }
})

void test('the kernel finds the verdict it is to change, whatever the version', () => {
  for (const type of ['', 'system', undefined]) assert.equal(clings(type, '3.1.0'), false)
})
