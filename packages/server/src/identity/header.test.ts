import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenIn } from './header.ts'

void test('a token is in X-Auth-Token, else in Authorization: Bearer', () => {
  assert.equal(tokenIn({ 'x-auth-token': 'a' }), 'a')
  assert.equal(tokenIn({ authorization: 'Bearer b' }), 'b')
  assert.equal(tokenIn({ authorization: 'bearer  b' }), 'b')
  assert.equal(tokenIn({ 'x-auth-token': 'a', authorization: 'Bearer b' }), 'a')
})

void test('anything else is none', () => {
  for (const headers of [
    {},
    { 'x-auth-token': '' },
    { 'x-auth-token': 'a, b' }, // sent twice
    { 'x-auth-token': 'a b' },
    { authorization: 'Basic b' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer b c' },
    { 'x-auth-token': 'gAAAA\u00ff' },
    { 'x-auth-token': 'g'.repeat(4097) },
  ]) {
    assert.equal(tokenIn(headers), undefined, JSON.stringify(headers))
  }
})
