// Loaded into a Portward whose clock is set (`node --import`): the clock on the wall goes wrong by as many milliseconds as the file
// says that BENCH_CLOCK names. Timers and performance.now() go on, as they do where an operator or NTP sets the clock.

import { readFileSync } from 'node:fs'

const { BENCH_CLOCK: file = '' } = process.env
const RightDate = Date
let skew = 0

function look(): void {
  try {
    skew = Number(readFileSync(file, 'utf8'))
  } catch {
    skew = 0
  }
}

globalThis.Date = new Proxy(RightDate, {
  construct: (target, args) =>
    Reflect.construct(target, args.length === 0 ? [target.now() + skew] : args),
  get: (target, name) =>
    name === 'now' ? () => target.now() + skew : Reflect.get(target, name, target),
})
setInterval(look, 20).unref()
