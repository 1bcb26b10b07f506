import { writeFile } from 'node:fs/promises'
import { openLab, makeNetwork } from './lab.ts'
await using lab = await openLab(process.env['SHARED'] ? { failMode: 'standalone' } : {})
const p = await lab.start(...(process.env['FLAGS'] ?? '').split(' ').filter(Boolean))
const net = await makeNetwork(lab)
const a = await lab.guest('alice', net, {})
const b = await lab.guest('bob', net, {})
// an unprotected, undeclared guest for protect
const c = await lab.sw.addGuest({ name: 'carol', mac: 'fa:16:3e:00:0c:01', ips: ['10.0.0.201/24'] })
const d = await lab.sw.addGuest({ name: 'dave', mac: 'fa:16:3e:00:0c:02', ips: ['10.0.0.202/24'] })
await lab.sw.addPorts([
  { name: 'tapx', ifaceId: '11111111-2222-4333-8444-555555555555' },
  { name: 'tapy' },
])
const out = process.env['OUT'] ?? '/tmp/zz-lab.json'
await writeFile(
  out,
  JSON.stringify({
    url: p.url,
    pid: p.pid,
    me: process.pid,
    rundir: lab.sw.rundir,
    state: lab.state,
    enclosure: (lab.sw as any).enclosure?.pid,
    net,
    a: a.port,
    b: b.port,
    pids: { alice: a.guest.pid, bob: b.guest.pid, carol: c.pid, dave: d.pid },
  }),
)
console.log('up', p.url)
await new Promise((r) => {
  process.once('SIGTERM', r)
  process.once('SIGINT', r)
  setTimeout(r, 3600e3)
})
await writeFile('/tmp/zz-said.log', lab.portward().said())
