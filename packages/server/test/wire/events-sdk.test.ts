import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLog } from '@twinward/hub'
import { partitionOf } from '../../../hub/src/messages/partition.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { readPolicies } from '../../src/data-dir.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { apiCaller, type CallApi, identityToken } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('events-sdk-scenario.ts', import.meta.url))
const DEVICES = ['pump-1', 'pump-2', 'pump-3', 'pump-4', 'pump-5']

/** A server that can be started again on the same ports and the same data. */
class Plant {
  readonly host: string
  readonly dataDir = mkdtempSync(join(tmpdir(), 'twinward-events-'))
  readonly #tokens = new Map<string, string>()
  #ports = { mqttPort: 0, amqpPort: 0, httpsPort: 0 }
  #server: RunningServer | undefined

  constructor(host: string) {
    this.host = host
  }

  async start(): Promise<void> {
    const { host, dataDir } = this
    const settings = { dataDir, listen: host, hostnames: [host], ...this.#ports }
    const fail = (error: Error) => {
      throw error
    }
    this.#server = await startServer(readConfig(settings, {}), silentLog, fail)
    const { mqttPort, amqpPort, httpsPort } = this.#server.ready
    this.#ports = { mqttPort, amqpPort, httpsPort }
  }

  async restart(): Promise<void> {
    await this.#server?.close()
    await this.start()
  }

  get ready() {
    if (!this.#server) throw new Error('not started')
    return this.#server.ready
  }

  get call(): CallApi {
    const { httpsPort: port, caFile } = this.ready
    return apiCaller({ host: this.host, port, caFile, dataDir: this.dataDir })
  }

  async addDevices(): Promise<void> {
    for (const deviceId of DEVICES) {
      const { body } = await this.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
      this.#tokens.set(deviceId, identityToken(`${this.host}/devices/${deviceId}`, body))
    }
  }

  async send(deviceId: string, from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) {
      const { status } = await this.call('POST', `/devices/${deviceId}/messages/events`, {
        policy: null,
        body: { n },
        headers: {
          authorization: this.#tokens.get(deviceId) ?? '',
          'content-type': 'application/json',
          'iothub-contenttype': 'application/json',
          'iothub-contentencoding': 'utf-8',
          'iothub-messageid': `m-${n}`,
          'iothub-app-colour': 'red',
        },
      })
      assert.equal(status, 204)
    }
  }

  /** As the SDK takes it. */
  connectionString(port: number, key?: string): string {
    const policy = readPolicies(this.dataDir).find(({ name }) => name === 'service')
    return (
      `Endpoint=sb://${this.host}:${port}/;SharedAccessKeyName=service;` +
      `SharedAccessKey=${key ?? policy?.primaryKey};EntityPath=messages/events`
    )
  }

  async readers(): Promise<number> {
    const { body } = await this.call('GET', '/api/events')
    return body.readerCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

interface Request {
  readonly what: string
  readonly args: readonly [string, number, number]
}

async function answer(plant: Plant, { what, args }: Request): Promise<unknown> {
  if (what === 'partition') return String(partitionOf('pump-1'))
  if (what === 'readers') return plant.readers()
  if (what === 'send') await plant.send(...args)
  if (what === 'restart') await plant.restart()
  return what
}

// The SDK takes a private CA from NODE_EXTRA_CA_CERTS only, which Node reads when a process starts.
for (const [index, transport] of ['Amqp', 'WebSocket'].entries()) {
  test(`@azure/event-hubs over ${transport}, unmodified: reads everything from anywhere, over restarts`, async () => {
    await using plant = new Plant(`127.61.0.${index + 1}`)
    await plant.start()
    await plant.addDevices()
    const { amqpPort, httpsPort, caFile } = plant.ready
    const port = transport === 'Amqp' ? amqpPort : httpsPort
    const wrong = plant.connectionString(port, Buffer.alloc(32).toString('base64'))
    const child = fork(SCENARIO, [transport, plant.connectionString(port), wrong], {
      execArgv: ['--conditions=source', '--import', 'tsx'],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
      timeout: 100_000,
    })
    let isDone = false
    const failures: unknown[] = []
    child.on('message', (request: Request) => {
      isDone = request.what === 'done'
      answer(plant, request).then(
        (found) => child.connected && child.send(found as string),
        (error) => {
          failures.push(error)
          child.kill()
        },
      )
    })
    const [code] = await once(child, 'exit')
    assert.deepEqual([code, isDone, failures], [0, true, []])
  })
}
