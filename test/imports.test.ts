// The edges between packages: who may import whom. An edge that is not here is a mistake, or a decision that belongs here.

import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { test } from 'node:test'

const edges: Readonly<Record<string, readonly string[]>> = {
  addr: [],
  wire: [],
  frames: ['addr'],
  openflow: ['addr', 'wire'],
  ovsdb: ['wire'],
  portsec: ['addr', 'frames', 'openflow'],
  store: ['addr'],
  agent: ['addr', 'openflow', 'ovsdb', 'portsec', 'store', 'wire'],
  server: ['addr', 'portsec', 'store'],
  cli: ['addr', 'agent', 'server', 'store'],
  testkit: ['addr', 'frames'],
}
/** What puts daemons together, tends the store itself, or looks at the switch itself; every other command knows the server by its HTTP API. */
const compositionRoots = [
  'packages/cli/src/agent-parts.ts',
  'packages/cli/src/server-parts.ts',
  'packages/cli/src/store/command.ts',
  'packages/cli/src/store/copy.ts',
  'packages/cli/src/store/fill.ts',
  'packages/cli/src/store/grant.ts',
  'packages/cli/src/store/open.ts',
  'packages/cli/src/verify.ts',
]
/** And `token` writes the file that the server reads, in the form the server gives it. */
const writers = ['packages/cli/src/token.ts']

const root = new URL('..', import.meta.url).pathname

async function sources(pattern: string): Promise<readonly { path: string; text: string }[]> {
  const files = []
  for await (const path of glob(pattern, { cwd: root })) {
    files.push({ path, text: await readFile(`${root}/${path}`, 'utf8') })
  }
  return files
}

function importsIn(text: string): readonly string[] {
  return [...text.matchAll(/^(?:import|export|\} from)\b.*?'@portward\/([a-z]+)[^']*'/gms)].map(
    ([, name = '']) => name,
  )
}

for (const [name, allowed] of Object.entries(edges)) {
  void test(`${name} imports ${allowed.join(', ') || 'no other package'}`, async () => {
    const files = await sources(`packages/${name}/src/**/*.ts`)
    assert.ok(files.length > 0)
    for (const { path, text } of files) {
      const inTests = path.endsWith('.test.ts') ? ['testkit'] : []
      for (const imported of importsIn(text)) {
        assert.ok([...allowed, ...inTests].includes(imported), `${path} imports ${imported}`)
      }
    }
  })
}

void test('a package imports only what its package.json names', async () => {
  for (const name of Object.keys(edges)) {
    const [manifest] = await sources(`packages/${name}/package.json`)
    const declared = Object.keys(
      (JSON.parse(manifest?.text ?? '{}') as { dependencies?: object }).dependencies ?? {},
    )
    for (const { path, text } of await sources(`packages/${name}/src/**/*.ts`)) {
      if (path.endsWith('.test.ts')) continue
      for (const imported of importsIn(text)) {
        assert.ok(declared.includes(`@portward/${imported}`), `${path} imports ${imported}`)
      }
    }
  }
})

void test('commands other than the daemons speak to the server over HTTP alone', async () => {
  for (const { path, text } of await sources('packages/cli/src/**/*.ts')) {
    if ([...compositionRoots, ...writers].includes(path) || path.endsWith('.test.ts')) continue
    for (const imported of importsIn(text)) assert.equal(imported, 'addr', path)
  }
})

void test('the core has no socket, clock or file', async () => {
  for (const { path, text } of await sources('packages/portsec/src/**/*.ts')) {
    if (path.endsWith('.test.ts')) continue
    assert.doesNotMatch(text, /'node:|Date\.now|performance\.|process\.|setTimeout/, path)
  }
})
