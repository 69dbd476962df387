import { makeCertificate } from '../certificate.ts'
import { canPin, SERVER_CORE } from '../child.ts'
import { DISTURBED, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import type { Peer, StartPeer } from '../peers/peer.ts'
import { progress } from '../report.ts'
import { median } from '../statistics.ts'

/** Servers by the name that `--only` takes, in the order they take turns. */
export type PeerList = Readonly<Record<string, StartPeer>>

/** Starts the chosen servers; `folder` is the run's own. All are stopped when `use` has ended. */
export async function withPeers(
  list: PeerList,
  { options, folder }: { readonly options: Options; readonly folder: string },
  use: (peers: readonly Peer[]) => Promise<void>,
): Promise<void> {
  const chosen = Object.entries(list).filter(([name]) => options.only?.includes(name) ?? true)
  if (chosen.length === 0) throw new Error(`--only: this one has ${Object.keys(list).join(', ')}.`)
  const core = canPin ? { core: SERVER_CORE } : {}
  const context = { folder, certificate: makeCertificate(folder), ...core }
  const peers: Peer[] = []
  try {
    for (const [name, start] of chosen) {
      progress(`starting ${name}`)
      peers.push(await start(context))
    }
    await use(peers)
  } finally {
    await Promise.allSettled(peers.map((peer) => peer.stop()))
  }
}

/** What ran where, as a sentence for below the table. */
export function describePinning(peers: readonly Peer[]): string {
  if (!canPin) return 'Nothing was pinned: there is no taskset.'
  const pinned = peers.map((peer) => `${peer.name}: ${peer.pinning}`).join('; ')
  return `Pinned to core 0: ${pinned}. Load programs: core 1.`
}

/** A warning for below the table when others were at work for most of a server's rounds, or ''. */
export function describeDisturbance(
  results: ReadonlyMap<{ readonly peer: Pick<Peer, 'name'> }, readonly Measured[]>,
): string {
  const disturbed = [...results].filter(
    ([, all]) => median(all.map((one) => one.otherCpu)) > DISTURBED,
  )
  if (disturbed.length === 0) return ''
  const names = disturbed.map(([{ peer }]) => peer.name).join(', ')
  return `Others were at work on this machine during ${names}: these figures prove nothing.`
}
