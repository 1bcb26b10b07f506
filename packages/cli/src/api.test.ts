import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { openApi } from './api.ts'

/** Something that listens where Portward might. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}

const failed = (message: RegExp) => ({ name: 'Complaint', status: 1, message })

void test('what is asked and answered is JSON; a slash at the end of the URL does not matter', async () => {
  const asked: string[] = []
  await using server = await serve((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      asked.push(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`)
      response.end('{"a": 1}')
    })()
  })
  const api = openApi(`${server.url}//`)
  assert.deepEqual(await api.get('/x?y=z'), { a: 1 })
  assert.deepEqual(await api.post('/x', { b: 2 }), { a: 1 })
  assert.deepEqual(asked, ['GET /x?y=z undefined ', 'POST /x application/json {"b":2}'])
})

void test('a write can name the revision it is for; an answer without a body is one', async () => {
  const asked: string[] = []
  await using server = await serve((request, response) => {
    const { 'content-type': type, 'if-match': revision } = request.headers
    asked.push(`${request.method} ${type} ${revision}`)
    if (request.method === 'DELETE') response.writeHead(204).end()
    else if (type === undefined) response.writeHead(201).end()
    else response.end('{"a": 1}')
  })
  const api = openApi(server.url)
  assert.deepEqual(await api.put('/x', { b: 2 }, 7), { a: 1 })
  assert.equal(await api.put('/x/tags/y'), undefined)
  assert.equal(await api.delete('/x', 8), undefined)
  assert.deepEqual(asked, [
    'PUT application/json revision_number=7',
    'PUT undefined undefined',
    'DELETE undefined revision_number=8',
  ])
})

void test('a refusal is the server’s own sentence', async () => {
  await using server = await serve((_, response) => {
    const error = { type: 'PortNotFound', message: 'There is no port x.', detail: '' }
    response.writeHead(404).end(JSON.stringify({ NeutronError: error }))
  })
  await assert.rejects(openApi(server.url).get('/x'), failed(/^There is no port x\.$/))
})

void test('who is not known is told what to set', async () => {
  await using server = await serve((_, response) => {
    const error = { code: 401, title: 'Unauthorized', message: 'The request says not who asks.' }
    response.writeHead(401).end(JSON.stringify({ error }))
  })
  const message =
    /^The request says not who asks\. .* PORTWARD_TOKEN, .*--token-from.*openstack token issue/
  await assert.rejects(openApi(server.url).get('/x'), failed(message))
})

void test('a token goes to nobody to whom the server points', async () => {
  const sent: unknown[] = []
  await using other = await serve(({ headers }, response) => {
    sent.push(headers)
    response.end('{}')
  })
  await using server = await serve(({ headers }, response) => {
    sent.push(headers['x-auth-token'])
    response.writeHead(302, { location: other.url }).end()
  })
  await assert.rejects(openApi(server.url, { token: 'pw_1' }).get('/x'), failed(/answers 302 to/))
  assert.deepEqual(sent, ['pw_1'])
})

void test('another program at the URL: what it said, and how to name the right one', async () => {
  for (const [status, body] of [
    [404, 'not found'],
    [500, '{"error": "x"}'],
    [502, '{"NeutronError": "x"}'],
    [200, '<html>'],
    [200, ''],
    [200, 'null'],
  ] as const) {
    await using server = await serve((_, response) => response.writeHead(status).end(body))
    const message = new RegExp(`^${server.url} answers (${status}|no JSON) to /x, .*--api`)
    await assert.rejects(openApi(server.url).get('/x'), failed(message), body)
  }
})

void test('nobody at the URL, or one who hangs up or never answers', async () => {
  const gone = await serve(() => {})
  await gone[Symbol.asyncDispose]()
  await assert.rejects(
    openApi(gone.url).get('/x'),
    failed(/ECONNREFUSED.*Is `portward up` running\?/),
  )
  await using rude = await serve((request) => request.socket.destroy())
  await assert.rejects(openApi(rude.url).get('/x'), failed(/^no answer from .*--api/))
  await using silent = await serve(() => {})
  await assert.rejects(
    openApi(silent.url, { patience: 50 }).get('/x'),
    failed(/no answer within 0\.05 seconds/),
  )
})

void test('an API that is no URL is asked wrongly', () => {
  for (const url of ['', 'localhost:9696', '127.0.0.1', 'ftp://x', 'http://', 'http://a b']) {
    assert.throws(
      () => openApi(url),
      { name: 'Complaint', status: 2, message: /is no URL; write one as http:/ },
      url,
    )
  }
})
