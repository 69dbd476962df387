import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { writePrivately } from '../data-dir.ts'
import { StartError } from '../start-error.ts'

/** What the listeners present, and the CA file that clients need to trust. */
export interface ServerCertificate {
  readonly certificate: string
  readonly key: string
  readonly caFile: string
}

/** A server certificate is made anew at a start when fewer days are left. */
const RENEW_DAYS = 60
const DAY_MS = 24 * 3600_000

/**
 * The certificate for this start: the operator's own, or one by the private CA in `tls/` of the data
 * directory. CA and certificate are made when they are missing; the certificate also when it does not
 * cover all names or runs out soon.
 *
 * @throws {StartError} when the operator's files cannot be used
 */
export async function serverCertificate(
  dataDir: string,
  settings: Settings,
  nowMs: number,
): Promise<ServerCertificate> {
  if (settings.tlsCert !== undefined && settings.tlsKey !== undefined) {
    return ownCertificate(settings.tlsCert, settings.tlsKey)
  }
  const folder = join(dataDir, 'tls')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = (name: string) => join(folder, name)
  if (!existsSync(file('ca.pem')) || !existsSync(file('ca-key.pem'))) {
    const { issueCa } = await import('./issue.ts')
    const ca = await issueCa(nowMs, 'Twinward private CA')
    writePrivately(file('ca-key.pem'), ca.key)
    writePrivately(file('ca.pem'), ca.certificate, 0o644)
  }
  const ca = { certificate: read(file('ca.pem')), key: read(file('ca-key.pem')) }
  const names = certificateNames(settings)
  if (!isCovered(file('server.pem'), file('server-key.pem'), names, nowMs)) {
    const { issueServer } = await import('./issue.ts')
    const server = await issueServer(ca, names, nowMs)
    writePrivately(file('server-key.pem'), server.key)
    writePrivately(file('server.pem'), server.certificate, 0o644)
  }
  return {
    certificate: `${read(file('server.pem'))}\n${ca.certificate}`,
    key: read(file('server-key.pem')),
    caFile: file('ca.pem'),
  }
}

/** Every hostname and the listen address; for "all addresses", the loopback ones. */
export function certificateNames({
  hostnames,
  listen,
}: Pick<Settings, 'hostnames' | 'listen'>): readonly [string, ...string[]] {
  const everywhere = listen === '0.0.0.0' || listen === '::'
  const addresses = everywhere ? ['127.0.0.1', '::1'] : isIP(listen) ? [listen] : []
  const [first = 'localhost', ...others] = hostnames
  return [first, ...new Set([...others, ...addresses].filter((name) => name !== first))]
}

function isCovered(
  certificateFile: string,
  keyFile: string,
  names: readonly string[],
  nowMs: number,
): boolean {
  if (!existsSync(certificateFile) || !existsSync(keyFile)) return false
  const certificate = new X509Certificate(read(certificateFile))
  if (Date.parse(certificate.validTo) < nowMs + RENEW_DAYS * DAY_MS) return false
  return names.every((name) =>
    isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name) !== undefined,
  )
}

function ownCertificate(certificateFile: string, keyFile: string): ServerCertificate {
  try {
    const certificate = read(certificateFile)
    // Parsed here so that a mistake is named before anything listens.
    new X509Certificate(certificate)
    return { certificate, key: read(keyFile), caFile: certificateFile }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartError(`The TLS certificate or key cannot be used: ${reason}`)
  }
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}
