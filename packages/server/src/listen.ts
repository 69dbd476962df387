import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { StartError } from './start-error.ts'

/** Where a listener should be, and the flag with which a person moves it. */
export interface Listener {
  readonly protocol: string
  readonly port: number
  readonly host: string
  readonly flag: string
}

/**
 * Listens, or says in one sentence why not.
 *
 * @returns the port, which is another than asked for when that was 0
 * @throws {StartError} `code` `EACCES` is left to the caller by `mayFallBack`
 */
export async function listen(
  server: Server,
  { protocol, port, host, flag }: Listener,
): Promise<number> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    throw new StartError(sentence(error, { protocol, port, host, flag }), { cause: error })
  }
  return (server.address() as AddressInfo).port
}

/** Whether this user may not bind the port at all, as 443 for an ordinary one. */
export function isForbiddenPort(error: unknown): boolean {
  const cause = error instanceof StartError ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
}

function sentence(error: unknown, { protocol, port, host, flag }: Listener): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `${protocol} cannot listen on port ${port} of ${host}`
  switch (code) {
    case 'EADDRINUSE':
      return `${where}: another program uses it. Stop that program, or choose a port with ${flag}.`
    case 'EACCES':
      return `${where}: this user may not. Choose a port above 1023 with ${flag}.`
    case 'EADDRNOTAVAIL':
      return `${where}: this machine has no such address. Choose one with --listen.`
    default:
      return `${where}: ${error instanceof Error ? error.message : String(error)}.`
  }
}
