import type { FastifyInstance } from 'fastify'
import type { Config } from './config/read-config.ts'
import { isForbiddenPort, listen } from './listen.ts'

/** Taken when the default HTTPS port may not be bound. */
const FALLBACK_HTTPS_PORT = 8443

/**
 * An ordinary user may not bind 443; unless somebody chose that port, 8443 does.
 *
 * @param remarks  gets what a person should know of it
 */
export async function listenHttps(
  app: FastifyInstance,
  { settings, chosen }: Config,
  remarks: string[],
): Promise<number> {
  const listener = {
    protocol: 'HTTPS',
    port: settings.httpsPort,
    host: settings.listen,
    flag: '--https-port',
  }
  try {
    return await listen(app.server, listener)
  } catch (error) {
    if (!isForbiddenPort(error) || chosen.has('httpsPort')) throw error
    remarks.push(
      `This user may not listen on port ${settings.httpsPort}; HTTPS is on ${FALLBACK_HTTPS_PORT}. ` +
        'Most SDKs reach HTTPS only on port 443.',
    )
    return listen(app.server, { ...listener, port: FALLBACK_HTTPS_PORT })
  }
}
