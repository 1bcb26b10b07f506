// The wire trace: PORTWARD_TRACE=openflow,ovsdb has each named protocol write a line per message to standard error.

/** Undefined where `name` is not asked for, so that a message is put into words only if somebody reads them. */
export function traceOf(name: string): ((line: string) => void) | undefined {
  const asked = (process.env['PORTWARD_TRACE'] ?? '').split(',').map((word) => word.trim())
  if (!asked.includes(name)) return undefined
  return (line) => void process.stderr.write(`${new Date().toISOString()} ${name} ${line}\n`)
}
