import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { accessOf } from './access.ts'
import { openApi } from './api.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-access-'))
after(() => rmSync(directory, { recursive: true }))
const at = (name: string): string => join(directory, name)
const refused = (message: RegExp) => ({ name: 'Complaint', status: 2, message })

void test('the token is in the file that is named, else in the environment, else there is none', async () => {
  writeFileSync(at('token'), 'pw_file\n')
  const env = { PORTWARD_TOKEN: 'pw_env' }
  assert.equal(await accessOf({ tokenFrom: at('token') }, env), 'pw_file')
  assert.equal(await accessOf({}, env), 'pw_env')
  assert.equal(await accessOf({}, { PORTWARD_TOKEN: '' }), undefined)
  assert.equal(await accessOf({}, {}), undefined)
})

void test('what holds no token, or cannot be read, is refused, and nothing of it is shown', async () => {
  writeFileSync(at('two'), 'first second')
  writeFileSync(at('none'), '\n')
  for (const [flags, env, message] of [
    [{ tokenFrom: at('two') }, {}, /two: it must hold one token, nothing else$/],
    [{ tokenFrom: at('none') }, { PORTWARD_TOKEN: 'x' }, /none: it must hold one token/],
    [{ tokenFrom: at('absent') }, {}, /--token-from: ENOENT/],
    [{}, { PORTWARD_TOKEN: 'a\nb' }, /^PORTWARD_TOKEN: it must hold one token, nothing else$/],
    [{ ca: at('absent') }, {}, /--ca, PORTWARD_CA: ENOENT/],
    [{ ca: at('two') }, {}, /--ca, PORTWARD_CA: .*two holds no certificate/],
  ] as const) {
    await assert.rejects(accessOf(flags, env), refused(message))
  }
})

void test('a certificate of one’s own is trusted once its file is named', async () => {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']
  const files = ['-keyout', at('key'), '-out', at('cert')]
  const name = ['-subj', '/CN=portward', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...ec, ...files, ...name], { stdio: 'ignore' })
  const options = { cert: readFileSync(at('cert')), key: readFileSync(at('key')) }
  await using server = createServer(options, ({ headers }, response) => {
    response.end(JSON.stringify({ sent: headers['x-auth-token'] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  await assert.rejects(openApi(url).get('/'), {
    message: /not trusted \(self-signed certificate.*\): name the file of its authority with --ca/,
  })
  const token = await accessOf({}, { PORTWARD_CA: at('cert'), PORTWARD_TOKEN: 'pw_1' })
  assert.deepEqual(await openApi(url, { token }).get('/'), { sent: 'pw_1' })
})
