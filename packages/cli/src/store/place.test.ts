import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf, placeText } from './place.ts'

const unset = { state: '/state', store: '', store_ca: '', store_cert: '', store_key: '' }
const refused = (message: RegExp) => ({ name: 'Complaint', status: 2, message })

void test('a store that is not named is a file in the state', () => {
  assert.deepEqual(placeOf(unset), { kind: 'sqlite', file: '/state/portward.db' })
  const named = placeOf({ ...unset, store: 'sqlite:/a:b,c' })
  assert.deepEqual(named, { kind: 'sqlite', file: '/a:b,c' })
  assert.equal(placeText(named), 'sqlite:/a:b,c')
})

void test('etcd has one address or several, and files of certificates', () => {
  const store = 'etcd:https://10.0.0.1:2379,https://[fd00::2]:2379'
  const place = placeOf({ ...unset, store, store_ca: 'ca', store_cert: 'cert', store_key: 'key' })
  const endpoints = ['https://10.0.0.1:2379', 'https://[fd00::2]:2379']
  assert.deepEqual(place, { kind: 'etcd', endpoints, ca: 'ca', cert: 'cert', key: 'key' })
  assert.equal(placeText(place), store)
})

void test('what is no store is refused, with what is one', () => {
  for (const store of [
    'sqlite:',
    'sqlite',
    'file:/x',
    'etcd:',
    'etcd:10.0.0.1:2379',
    'etcd:http://a,',
    'etcd:http://a/path',
    'etcd:http://user@a',
    'etcd:ftp://a',
  ]) {
    assert.throws(
      () => placeOf({ ...unset, store }),
      refused(/^store is '.*'; wanted sqlite:FILE, or etcd:URL\[,URL…\] such as/),
      store,
    )
  }
  assert.throws(
    () => placeOf({ ...unset, store: 'etcd:http://a,https://b' }),
    refused(/wanted http:\/\/ in all of its URLs, or in none/),
  )
})

void test('certificates that nobody would look at are refused', () => {
  const clear = { ...unset, store: 'etcd:http://a' }
  const secure = { ...unset, store: 'etcd:https://a' }
  for (const [settings, message] of [
    [{ ...unset, store_ca: 'x' }, /^store_ca is set, and the store is SQLite/],
    [{ ...clear, store_ca: 'x' }, /^store_ca is set, and 'etcd:http:\/\/a' goes in the clear/],
    [{ ...clear, store_cert: 'x', store_key: 'y' }, /^store_cert is set, .* in the clear/],
    [{ ...secure, store_cert: 'x' }, /^store_key is not set: a certificate and its key/],
    [{ ...secure, store_key: 'x' }, /^store_cert is not set/],
  ] as const) {
    assert.throws(() => placeOf(settings), refused(message))
  }
})
