import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** A self-signed ECDSA P-256 certificate for localhost: the kind that Twinward makes for itself. */
export function makeCertificate(folder: string): Certificate {
  const certFile = join(folder, 'peer-cert.pem')
  const keyFile = join(folder, 'peer-key.pem')
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', keyFile, '-out', certFile, '-days', '30', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'pipe' },
  )
  return { certFile, keyFile }
}
