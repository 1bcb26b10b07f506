import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anyone } from '../caller.ts'
import { withoutIdentity } from './nobody.ts'

void test('whoever sends no roles is an administrator, and so is whoever sends admin', async () => {
  await using identity = withoutIdentity()
  assert.deepEqual(identity.identify({}), anyone)
  assert.deepEqual(identity.identify({ 'x-roles': 'reader, Admin' }), anyone)
})

void test('roles without admin are taken at their word, and no project is believed', async () => {
  await using identity = withoutIdentity()
  for (const [roles, role] of [
    ['member', 'member'],
    ['reader,Member', 'member'],
    ['reader', 'reader'],
    ['observer', 'reader'],
    ['', 'reader'],
  ] as const) {
    const caller = await identity.identify({ 'x-roles': roles, 'x-project-id': 'p1' })
    assert.deepEqual([caller.role, caller.projectId], [role, ''], roles)
  }
})
