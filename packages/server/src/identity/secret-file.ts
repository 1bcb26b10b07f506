// A file that says who may do what: read only while nobody else can have written it.

import { open } from 'node:fs/promises'

/**
 * Throws an error that names the file, what is wrong with it and what to do; `maker` is the command that makes one. `exposed`:
 * others than its owner and group can read it.
 */
export async function readSecret(
  path: string,
  maker: string,
): Promise<{ readonly text: string; readonly exposed: boolean }> {
  await using file = await opened(path, maker)
  const stats = await file.stat()
  if (stats.isDirectory()) throw new Error(`${path}: it is no file, but a directory`)
  const { mode, uid } = stats
  if ((mode & 0o022) !== 0) {
    throw new Error(`${path}: others than its owner can write it: chmod 0600 ${path}`)
  }
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw new Error(
      `${path}: it belongs to user ${uid}, neither root nor who runs portward: chown root ${path}`,
    )
  }
  return { text: await file.readFile('utf8'), exposed: (mode & 0o004) !== 0 }
}

async function opened(path: string, maker: string) {
  try {
    return await open(path)
  } catch (cause) {
    throw new Error(`${path}: ${whyNot(cause, maker)}`, { cause })
  }
}

function whyNot(cause: unknown, maker: string): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code === 'ENOENT' ? `there is no such file: \`${maker}\` makes one` : message
}
