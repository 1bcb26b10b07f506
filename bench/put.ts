// PUT on one connection, as a client has that stays. `fetch` would add most of a millisecond of its own.

import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true })

/** Gives the time at which the request was sent, once it is answered. */
export function put(url: string, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const sent = performance.now()
    request(url, { method: 'PUT', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(sent)
        else reject(new Error(`PUT: ${answer.statusCode}`))
      })
    })
      .on('error', reject)
      .end(JSON.stringify(body))
  })
}
