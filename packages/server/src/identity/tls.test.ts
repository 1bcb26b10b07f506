import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { openSqlite } from '@portward/store'
import { openServer } from '../server.ts'
import { openJournal, until } from './testing.ts'
import { openTls } from './tls.ts'
import type { Secure } from './tls.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-tls-'))
const stop = new AbortController()
after(() => {
  stop.abort()
  rmSync(directory, { recursive: true })
})
const at = (name: string): string => join(directory, name)

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

/** A certificate NAME.crt and its key NAME.key, by OpenSSL itself. */
function make(name: string, kind: readonly string[] = EC): void {
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.crt`), '-subj', `/CN=${name}`]
  execFileSync('openssl', ['req', '-x509', '-noenc', '-newkey', ...kind, ...files], {
    stdio: 'ignore',
  })
}

before(() => {
  make('one')
  make('two')
})

async function serve(cert: string, key: string) {
  const journal = openJournal()
  const tls = await openTls({ cert, key, log: journal.log, signal: stop.signal })
  const server = createServer(tls.options, (_, response) => response.end())
  // So that it is not OpenSSL that refuses old versions.
  const lax = (options: Secure): void =>
    server.setSecureContext({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' })
  tls.follow({ setSecureContext: lax })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  /** Whose certificate is shown. */
  const shown = async (options: ConnectionOptions = {}): Promise<unknown> => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return subject.CN
  }
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { journal, shown, [Symbol.asyncDispose]: close }
}

void test('certificate and key are served, and nothing below TLS 1.2', async () => {
  await using server = await serve(at('one.crt'), at('one.key'))
  assert.equal(await server.shown(), 'one')
  assert.equal(await server.shown({ maxVersion: 'TLSv1.2' }), 'one')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(server.shown(old), /protocol version|unsupported protocol/i)
})

void test('a server with a certificate answers by HTTPS, points there, and takes nothing in the clear', async () => {
  const { log } = openJournal()
  const tls = await openTls({ cert: at('one.crt'), key: at('one.key'), log, signal: stop.signal })
  await using store = await openSqlite({ file: at('store.db') })
  const { signal } = stop
  const options = { store, tls, host: '127.0.0.1', port: 0, version: '0.0.0' }
  await using server = await openServer({ ...options, log: undefined, signal })
  assert.match(server.url, /^https:/)
  const request = get(`${server.url}/v2.0/`, { rejectUnauthorized: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  assert.match(await text(answer), new RegExp(`"href":"${server.url}/v2.0/networks"`))
  await assert.rejects(fetch(server.url.replace('https', 'http')))
})

void test('files that change are taken once they belong together', async () => {
  const [cert, key] = [at('live.crt'), at('live.key')]
  writeFileSync(cert, readFileSync(at('one.crt')))
  writeFileSync(key, readFileSync(at('one.key')))
  await using server = await serve(cert, key)
  writeFileSync(`${cert}.new`, readFileSync(at('two.crt')))
  renameSync(`${cert}.new`, cert)
  await until(() => server.journal.count(/live\.key: it is not the key of the certificate/) === 1)
  assert.equal(await server.shown(), 'one')
  writeFileSync(key, readFileSync(at('two.key')))
  await until(async () => (await server.shown()) === 'two')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(server.shown(old), /protocol version|unsupported protocol/i)
})

void test('a certificate that is over, or not valid yet, is served and warned of', async (t) => {
  for (const [year, warning] of [
    ['2199', /the certificate is over/],
    ['1999', /the certificate is not valid yet/],
  ] as const) {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse(year) })
    await using server = await serve(at('one.crt'), at('one.key'))
    t.mock.timers.reset()
    assert.equal(server.journal.count(warning), 1)
    assert.equal(await server.shown(), 'one')
  }
})

void test('what is wrong is said at the start, with the file', async () => {
  writeFileSync(at('text'), 'hello')
  writeFileSync(at('torn.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  writeFileSync(at('torn.key'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
  const encrypt = [
    'pkey',
    '-in',
    at('one.key'),
    '-aes256',
    '-passout',
    'pass:x',
    '-out',
    at('locked'),
  ]
  execFileSync('openssl', encrypt)
  make('weak', ['rsa:512'])
  for (const [cert, key, why] of [
    ['absent', 'one.key', /absent: there is no such file/],
    ['one.crt', 'absent', /absent: there is no such file/],
    ['text', 'one.key', /text: no certificate is in it/],
    ['one.key', 'one.key', /one\.key: no certificate is in it/],
    ['torn.crt', 'one.key', /torn\.crt: its certificate cannot be read/],
    ['one.crt', 'text', /text: no private key is in it/],
    ['one.crt', 'one.crt', /one\.crt: no private key is in it/],
    ['one.crt', 'torn.key', /torn\.key: its key cannot be read/],
    ['one.crt', 'locked', /locked: its key is encrypted/],
    ['one.crt', 'two.key', /two\.key: it is not the key of the certificate in .*one\.crt/],
    ['weak.crt', 'weak.key', /weak\.crt: it cannot be served: .*too small/],
  ] as const) {
    const { log } = openJournal()
    const opened = openTls({ cert: at(cert), key: at(key), log, signal: stop.signal })
    await assert.rejects(opened, why, `${cert} ${key}`)
  }
})
