import type { DeviceLogin, IdlePlan } from '../load/plan.ts'
import { LoadDriver } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { startAedes } from '../peers/aedes.ts'
import { startMosquitto } from '../peers/mosquitto.ts'
import type { Peer } from '../peers/peer.ts'
import { startTwinward } from '../peers/twinward.ts'
import { settledBytes } from '../proc.ts'
import { print, progress } from '../report.ts'
import { formatCount, formatKiB, formatMiB, formatRatio, renderTable } from '../table.ts'
import { withPeers } from './peers.ts'

const servers = { twinward: startTwinward, mosquitto: startMosquitto, aedes: startAedes }
/** They pay what is paid once, and fill the room that starting left in a collected heap. */
const FIRST_CONNECTIONS = 1_000
const FURTHER_CONNECTIONS = 5_000
const ALL_CONNECTIONS = FIRST_CONNECTIONS + FURTHER_CONNECTIONS
const SETTLE_DEADLINE_MS = 90_000
const SOURCE_ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']

/** Resident bytes of a server: just started, with the first connections, with all of them. */
interface Readings {
  readonly started: number
  readonly first: number
  readonly all: number
}

/** Resident memory of a device that is connected over TLS and says nothing. */
export async function benchMemory(options: Options, folder: string): Promise<void> {
  await withPeers(servers, { options, folder }, async (peers) => {
    const rows: string[][] = []
    let baseline = Number.NaN
    for (const peer of peers) {
      const { started, first, all } = await fill(peer)
      const further = (all - first) / FURTHER_CONNECTIONS
      if (rows.length === 0) baseline = further
      const allIn = formatKiB((all - started) / ALL_CONNECTIONS)
      const sizes = [started, first, all].map(formatMiB)
      rows.push([peer.title, formatKiB(further), formatRatio(further / baseline), allIn, ...sizes])
      progress(`${peer.name}: ${formatKiB(further)} for each further connection, ${allIn} all in`)
    }
    const [some, many] = [formatCount(FIRST_CONNECTIONS), formatCount(ALL_CONNECTIONS)]
    print('## Memory of idle TLS connections')
    const head = ['server', 'each further one', `times ${peers[0]?.name}`, 'all in, each']
    print(renderTable([...head, 'started', `with ${some}`, `with ${many}`], rows))
  })
}

async function fill(peer: Peer): Promise<Readings> {
  const started = await settledBytes(peer.pids, SETTLE_DEADLINE_MS)
  const devices = await peer.createDevices(ALL_CONNECTIONS)
  progress(`${peer.name}: connecting ${formatCount(ALL_CONNECTIONS)} devices`)
  const few = await connectIdle(peer, devices.slice(0, FIRST_CONNECTIONS))
  const first = await settledBytes(peer.pids, SETTLE_DEADLINE_MS)
  const many = await connectIdle(peer, devices.slice(FIRST_CONNECTIONS))
  const all = await settledBytes(peer.pids, SETTLE_DEADLINE_MS)
  await Promise.all([few.close(), many.close()])
  return { started, first, all }
}

function connectIdle(peer: Peer, devices: readonly DeviceLogin[]): Promise<LoadDriver> {
  const plan: IdlePlan = { target: peer.target, devices, sourceAddresses: SOURCE_ADDRESSES }
  return LoadDriver.connect(peer, 'idle.ts', plan)
}
