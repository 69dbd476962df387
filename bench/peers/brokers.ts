import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { EventWire } from '../load/plan.ts'
import type { Measurable } from '../load-driver.ts'

/** A server between senders and a reader of events. */
export interface EventPeer extends Measurable {
  readonly wire: EventWire
}

const RABBITMQ_URL = process.env.TWINWARD_BENCH_RABBITMQ ?? 'amqp://guest:guest@127.0.0.1:5672'
const NATS_URL = process.env.TWINWARD_BENCH_NATS ?? 'nats://127.0.0.1:4222'
const PROBE_MS = 2_000

/** The brokers of the machine that run; they are shared and not pinned. */
export async function runningBrokers(): Promise<readonly EventPeer[]> {
  const rabbitMq = (queueType: 'classic' | 'quorum'): EventPeer => ({
    name: `rabbitmq-${queueType}`,
    title: `RabbitMQ, ${queueType} queue, confirms`,
    pids: pidsOf('beam.smp'),
    wire: { kind: 'rabbitmq', url: RABBITMQ_URL, queueType },
  })
  const nats: EventPeer = {
    name: 'nats',
    title: 'NATS JetStream, files, acks',
    pids: pidsOf('nats-server'),
    wire: { kind: 'nats', url: NATS_URL },
  }
  return [
    ...((await answers(RABBITMQ_URL)) ? [rabbitMq('quorum'), rabbitMq('classic')] : []),
    ...((await answers(NATS_URL)) ? [nats] : []),
  ]
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: PROBE_MS })
    const say = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => say(true))
    socket.once('error', () => say(false))
    socket.once('timeout', () => say(false))
  })
}

/** Processes of this machine by name: a broker elsewhere has no figure for its processor time. */
function pidsOf(name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => commOf(pid) === name)
    .map(Number)
}

function commOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}
