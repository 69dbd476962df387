import type { Certificate } from '../certificate.ts'
import type { DeviceLogin, Target } from '../load/plan.ts'

/** One server under test, running. */
export interface Peer {
  /** As `--only` names it. */
  readonly name: string
  /** As the table names it. */
  readonly title: string
  readonly target: Target
  /** What of it is pinned to which core. */
  readonly pinning: string
  /** Processes whose processor time and memory are the server's. */
  readonly pids: readonly number[]
  /** Where services speak HTTPS to it. */
  readonly http?: { readonly port: number; readonly authorization: string }
  /** Where services speak AMQP to it: the user and password of SASL PLAIN, and what events are below. */
  readonly amqp?: {
    readonly port: number
    readonly userName: string
    readonly password: string
    readonly entity: string
  }
  /** Makes devices `bench-00000`… known to the server, if it must know them. */
  createDevices(count: number): Promise<DeviceLogin[]>
  stop(): Promise<void>
}

export interface PeerContext {
  /** A folder of the run's own; removed after the run. */
  readonly folder: string
  readonly certificate: Certificate
  /** The core the server gets; absent: any. */
  readonly core?: number
}

export type StartPeer = (context: PeerContext) => Promise<Peer>

/** Ids of one length, so that all packets of a run have one length. */
export function deviceIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `bench-${String(index).padStart(5, '0')}`)
}

/** Logins for a server that lets everybody in; as long as a real one's. */
export function openLogins(count: number): DeviceLogin[] {
  return deviceIds(count).map((deviceId) => ({
    deviceId,
    userName: `localhost/${deviceId}/?api-version=2021-04-12`,
    password: 'unused',
  }))
}
