import { type DeviceRef, refKey } from '@twinward/protocol'
import type { Assessment, Recommendation, RecommendationType } from '../recommendation.ts'
import type { WeakTls } from './hub-setup.ts'

const DAY_MS = 24 * 3_600_000
/** A weak connection counts for so many whole days after the one on which it was seen last. */
export const WEAK_DAYS = 7
/** Identities of one device that a finding names; those that were seen last stay. */
const MAX_CONNECTIONS = 20

export const weakTlsType: RecommendationType = {
  recommendationType: 'IoT_VulnerableTLSCipherSuite',
  displayName: 'TLS cipher suite upgrade needed',
  severity: 'Medium',
  description:
    'The device connects to the hub with a cipher suite that protects badly: who records its traffic ' +
    'may read or change it.',
  remediationSteps: [
    'Update the TLS library or the SDK of the device, so that it offers TLS 1.3 or a suite of TLS 1.2 ' +
      'with ECDHE and AES-GCM or ChaCha20.',
    'Take the suites that are named here out of its configuration.',
  ],
}

/** One identity of a device, and how it was connected. */
export interface WeakIdentity {
  /** `pump-1`, `pump-1/camera` */
  readonly Identity: string
  readonly Protocol: string
  readonly CipherSuite: string
  /** The day in UTC, `2026-01-31`: a device that comes back every minute changes nothing all day. */
  readonly LastSeen: string
}

/** What a recommendation remembers; nothing once the state was good. */
export function weakIdentities(known: Recommendation | undefined): readonly WeakIdentity[] {
  if (known === undefined || known.state === 'Resolved' || known.isGoodMeanwhile) return []
  return JSON.parse(known.additionalData.Connections ?? '[]') as readonly WeakIdentity[]
}

/** After a connection, newest day first. Pure. @param weakTls  absent = nothing was weak */
export function noteConnection(
  before: readonly WeakIdentity[],
  { ref, weakTls }: { readonly ref: DeviceRef; readonly weakTls?: WeakTls },
  nowMs: number,
): readonly WeakIdentity[] {
  const Identity = refKey(ref)
  const others = before.filter((one) => one.Identity !== Identity)
  if (weakTls === undefined) return others
  const { protocol, suite } = weakTls
  const LastSeen = new Date(nowMs).toISOString().slice(0, 10)
  const all = [{ Identity, Protocol: protocol, CipherSuite: suite, LastSeen }, ...others]
  const sorted = all.sort((a, b) => order(b.LastSeen, a.LastSeen) || order(a.Identity, b.Identity))
  return sorted.slice(0, MAX_CONNECTIONS)
}

/** What it says about a device that these were connected so. Pure. */
export function assessConnections(known: readonly WeakIdentity[], nowMs: number): Assessment {
  const recent = known.filter(
    ({ LastSeen }) => nowMs < Date.parse(LastSeen) + (WEAK_DAYS + 1) * DAY_MS,
  )
  if (recent.length === 0) return { isGood: true }
  return { isGood: false, additionalData: { Connections: JSON.stringify(recent) } }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
