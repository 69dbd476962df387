import { CLOCK_SKEW_MS } from '@twinward/protocol'
import { type Certificate, isNamedIssuer, isSignedBy } from './certificate.ts'

/** Certificates that a peer may send along with its own. */
export const MAX_CHAIN_CERTIFICATES = 8
/** Steps of the search for an issuer: enough for any honest chain, however it is ordered. */
const MAX_STEPS = 64
/** Chains whose names fit but whose signatures did not, before the search is given up. */
const MAX_ATTEMPTS = 4
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ANY_USAGE = '2.5.29.37.0'

/** A chain that holds: from a device's certificate to a registered authority. */
export interface Chain {
  readonly authority: Certificate
  /** Those in between, from the device's issuer upwards. */
  readonly intermediates: readonly Certificate[]
  /** When the first of them all runs out. */
  readonly notAfterMs: number
}

/**
 * Finds a chain from `leaf` to one of the authorities. Names are compared first, signatures only of
 * chains that end in an authority and from there downwards: what a stranger sends costs little.
 *
 * @param others  in any order; unknown and useless ones do not matter
 * @returns the chain, or why there is none
 */
export function findChain(
  leaf: Certificate,
  others: readonly Certificate[],
  authorities: readonly Certificate[],
  nowMs: number,
): Chain | string {
  let reason = 'no registered CA issued the certificate'
  let attempts = 0
  for (const path of pathsByName(leaf, others, authorities)) {
    const flaw = findFlaw(path, nowMs)
    const authority = path.at(-1)
    if (flaw === undefined && authority) {
      const notAfterMs = Math.min(...path.map((certificate) => certificate.notAfterMs))
      return { authority, intermediates: path.slice(1, -1), notAfterMs }
    }
    reason = flaw ?? reason
    if (++attempts >= MAX_ATTEMPTS) break
  }
  return reason
}

/** Whether a certificate may be used now; the clock of who issued it may be ahead. */
export function dateFlaw(
  { notBeforeMs, notAfterMs }: Certificate,
  nowMs: number,
): string | undefined {
  // Written so that a date that could not be read is a flaw too.
  if (!(notAfterMs >= nowMs)) return 'the certificate has expired'
  if (!(notBeforeMs - CLOCK_SKEW_MS <= nowMs)) return 'the certificate is not valid yet'
  return undefined
}

/** Every way from `leaf` to an authority by who names whom as the issuer, shortest first. */
function* pathsByName(
  leaf: Certificate,
  others: readonly Certificate[],
  authorities: readonly Certificate[],
): Generator<readonly Certificate[]> {
  const open: (readonly [Certificate, ...Certificate[]])[] = [[leaf]]
  for (let step = 0; step < MAX_STEPS; step++) {
    const path = open.shift()
    if (!path) return
    const top = path.at(-1) ?? leaf
    for (const authority of authorities) {
      if (isNamedIssuer(top, authority)) yield [...path, authority]
    }
    if (path.length > MAX_CHAIN_CERTIFICATES) continue
    for (const other of others) {
      const isKnown = path.some(({ sha256 }) => sha256 === other.sha256)
      if (!isKnown && isNamedIssuer(top, other)) open.push([...path, other])
    }
  }
}

/** @param path  from the leaf to the authority */
function findFlaw(path: readonly Certificate[], nowMs: number): string | undefined {
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const certificate = path[depth]
    if (!certificate) return 'the chain has a hole'
    const issuer = path[depth + 1]
    if (issuer && !isSignedBy(certificate, issuer)) return 'a signature is wrong'
    const flaw =
      dateFlaw(certificate, nowMs) ??
      (depth > 0 ? issuerFlaw(certificate, depth) : undefined) ??
      (issuer && usageFlaw(certificate))
    if (flaw !== undefined) return flaw
  }
  return undefined
}

/** @param depth  how many certificates are below it, the device's included */
function issuerFlaw({ x509, pathLength }: Certificate, depth: number): string | undefined {
  // OpenSSL looks at basic constraints and key usage together.
  if (!x509.ca) return 'an issuer is not an authority'
  return depth - 1 > pathLength ? 'the chain is longer than an authority allows' : undefined
}

function usageFlaw({ x509, flaw }: Certificate): string | undefined {
  const usages: readonly string[] | undefined = x509.keyUsage
  const isForClients = usages?.some((usage) => usage === CLIENT_AUTH || usage === ANY_USAGE)
  return flaw ?? (isForClients === false ? 'the certificate is not for clients' : undefined)
}
