import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { until } from '../../test/hub.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryConfigurationStore } from '../adapters/memory/configurations.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { MemoryRegistryJobStore } from '../adapters/memory/registry-jobs.ts'
import { createConfigurations } from '../configurations/create-configurations.ts'
import { silentLog } from '../log.ts'
import { Twins } from '../twins/twins.ts'
import { Bulk } from './bulk.ts'
import type { Exchange } from './exchange.ts'
import { HostNames } from './host-names.ts'
import { Identities } from './identities.ts'
import type { RegistryJob } from './registry-job.ts'
import { RegistryJobs } from './registry-jobs.ts'

const EXPORT = {
  type: 'export',
  inputContainerUri: '',
  outputContainerUri: 'memory:',
  inputName: 'in',
  outputName: 'out',
  excludeKeys: false,
} as const

/** Files in memory; each write waits until `gate` opens. */
class MemoryExchange implements Exchange {
  readonly files = new Map<string, string>()
  readonly opening = new AbortController()
  failure: Error | undefined
  isGated = false
  waiting = 0

  async open(uri: string) {
    if (uri !== 'memory:') throw new HubError('BlobContainerValidationError', 'No such place.')
    return {
      read: async (name: string) => {
        const text = this.files.get(name) ?? ''
        return {
          sizeBytes: text.length,
          async *chunks() {
            for (const line of text.split(/(?<=\n)/)) yield Buffer.from(line)
          },
          close: async () => {},
        }
      },
      write: async (name: string) => {
        let text = ''
        return {
          append: async (more: string) => {
            this.waiting++
            if (this.isGated && !this.opening.signal.aborted) {
              await once(this.opening.signal, 'abort')
            }
            if (this.failure) throw this.failure
            text += more
          },
          commit: async () => {
            this.files.set(name, text)
          },
          discard: async () => {},
        }
      },
    }
  }
}

async function open({ devices = 1 } = {}) {
  const clock = new TestClock()
  const registry = new MemoryRegistry()
  const ports = { registry, bus: new InProcessBus(silentLog), clock }
  const identities = new Identities(ports, new HostNames(['localhost']), () => [])
  const twins = new Twins(ports)
  const bulk = new Bulk(identities, twins)
  const { configurations } = createConfigurations({
    ...{ ...ports, store: new MemoryConfigurationStore(), identities, twins, log: silentLog },
  })
  for (let n = 0; n < devices; n++) await identities.createDevice(`d${n}`, {})
  const store = new MemoryRegistryJobStore()
  const exchange = new MemoryExchange()
  const make = () =>
    new RegistryJobs(
      { store, exchange, clock, log: silentLog },
      { identities, bulk, configurations },
    )
  return { clock, identities, configurations, store, exchange, make, jobs: make() }
}

async function over(jobs: RegistryJobs, { jobId }: RegistryJob): Promise<RegistryJob> {
  await until(async () => (await jobs.get(jobId)).endTimeMs !== null)
  return jobs.get(jobId)
}

test('create: enqueued, then running, then completed; each state is in the store', async () => {
  const { jobs, exchange, store, clock } = await open()
  exchange.isGated = true
  const job = await jobs.create(EXPORT)
  assert.deepEqual([job.status, job.progress, job.endTimeMs], ['enqueued', 0, null])
  await until(() => exchange.waiting > 0)
  assert.equal((await jobs.get(job.jobId)).status, 'running')
  assert.equal((await store.find(job.jobId))?.status, 'running')
  clock.advance(1000)
  exchange.opening.abort()
  const ended = await over(jobs, job)
  assert.deepEqual([ended.status, ended.progress], ['completed', 100])
  assert.equal(ended.endTimeMs, job.startTimeMs + 1000)
  assert.deepEqual(await store.find(job.jobId), ended)
  assert.equal(exchange.files.get('out')?.split('\n').length, 2)
})

test('create: one job at a time, however many ask at once', async () => {
  const { jobs, exchange } = await open()
  exchange.isGated = true
  const outcomes = await Promise.allSettled([EXPORT, EXPORT, EXPORT].map((r) => jobs.create(r)))
  const [job, ...others] = outcomes.filter(({ status }) => status === 'fulfilled')
  assert.ok(job?.status === 'fulfilled')
  assert.equal(others.length, 0)
  await assert.rejects(jobs.create(EXPORT), (error) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, 'JobQuotaExceeded')
    assert.match(error.message, /^Error: 403 ErrorCode: JobQuotaExceeded\nMessage: /)
    return true
  })
  exchange.opening.abort()
  await over(jobs, job.value)
  await until(async () => (await jobs.create(EXPORT).catch(() => undefined)) !== undefined)
})

test('create: a place that is not there is refused at once and leaves no job', async () => {
  const { jobs } = await open()
  const refused = { code: 'BlobContainerValidationError' }
  await assert.rejects(jobs.create({ ...EXPORT, outputContainerUri: 'https://x' }), refused)
  const wrong = { ...EXPORT, type: 'import', inputContainerUri: 'x' } as const
  await assert.rejects(jobs.create(wrong), refused)
  assert.deepEqual(await jobs.list(), [])
  await over(jobs, await jobs.create(EXPORT))
})

test('cancel: the job ends as cancelled, and no file appears', async () => {
  const { jobs, exchange } = await open({ devices: 200 })
  exchange.isGated = true
  const job = await jobs.create(EXPORT)
  await until(() => exchange.waiting > 0)
  const cancelled = jobs.cancel(job.jobId)
  exchange.opening.abort()
  const ended = await cancelled
  assert.deepEqual([ended.status, ended.failureReason], ['cancelled', null])
  assert.equal(exchange.files.get('out'), undefined)
  assert.deepEqual(await jobs.cancel(job.jobId), ended)
  await assert.rejects(jobs.cancel('nothing'), { code: 'JobNotFound' })
})

test('a job that cannot write ends as failed, with the reason', async () => {
  const { jobs, exchange } = await open()
  exchange.failure = new HubError('BlobContainerValidationError', 'out cannot be written (ENOSPC).')
  const ended = await over(jobs, await jobs.create(EXPORT))
  assert.equal(ended.status, 'failed')
  assert.equal(ended.failureReason, 'out cannot be written (ENOSPC).')
  exchange.failure = new Error('/secret/path')
  const bug = await over(jobs, await jobs.create(EXPORT))
  assert.equal(bug.failureReason, 'An internal error; the log says more.')
})

test('close: the job under way ends as failed, and no other starts', async () => {
  const { jobs, exchange } = await open({ devices: 200 })
  exchange.isGated = true
  const job = await jobs.create(EXPORT)
  await until(() => exchange.waiting > 0)
  const closed = jobs.close()
  exchange.opening.abort()
  await closed
  const ended = await jobs.get(job.jobId)
  assert.deepEqual(
    [ended.status, ended.failureReason],
    ['failed', 'The hub stopped while the job ran.'],
  )
  await assert.rejects(jobs.create(EXPORT), { code: 'ServiceUnavailable' })
})

test('recover: a job that was under way at a crash has failed, the others stay as they are', async () => {
  const { jobs, exchange, make } = await open()
  const done = await over(jobs, await jobs.create(EXPORT))
  exchange.isGated = true
  const lost = await jobs.create(EXPORT)
  await until(() => exchange.waiting > 1)
  const next = make()
  await next.recover()
  const job = await next.get(lost.jobId)
  assert.deepEqual(
    [job.status, job.failureReason],
    ['failed', 'The hub stopped while the job ran.'],
  )
  assert.ok(job.endTimeMs !== null)
  assert.deepEqual(await next.get(done.jobId), done)
  exchange.opening.abort()
})

test('the history ends after thirty days', async () => {
  const { jobs, clock } = await open()
  const old = await over(jobs, await jobs.create(EXPORT))
  clock.advance(31 * 24 * 3600_000)
  const young = await over(jobs, await jobs.create(EXPORT))
  assert.deepEqual(await jobs.list(), [young])
  await assert.rejects(jobs.get(old.jobId), { code: 'JobNotFound' })
})

test('import: what was refused is told, also when the job is cancelled on the way', async () => {
  const { jobs, exchange, identities } = await open({ devices: 0 })
  const line = (n: number) => `{"id":"i${n}","status":"enabled"}\n`
  exchange.files.set('in', `bad\n{}\n${Array.from({ length: 500 }, (_, n) => line(n)).join('')}`)
  exchange.isGated = true
  const request = { ...EXPORT, type: 'import', inputContainerUri: 'memory:' } as const
  const job = await jobs.create(request)
  await until(() => exchange.waiting > 0)
  const cancelled = jobs.cancel(job.jobId)
  exchange.opening.abort()
  assert.equal((await cancelled).status, 'cancelled')
  const { devices } = await identities.count()
  assert.ok(devices > 0 && devices < 500, String(devices))
  assert.match(exchange.files.get('importErrors.log') ?? '', /^\{"line":2,.*ArgumentInvalid/)
})

test('configurations: an export has them a line each, an import restores them, what fails is told', async () => {
  const { jobs, exchange, configurations } = await open()
  const content = { deviceContent: { 'properties.desired.a': 1 } }
  for (const id of ['c1', 'c2'])
    await configurations.put(id, { content, priority: 1 }, undefined, undefined)
  const before = configurations.list()
  await over(jobs, await jobs.create({ ...EXPORT, configurationsName: 'c.txt' }))
  const text = exchange.files.get('c.txt') ?? ''
  const lines = text.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    before,
  )

  await configurations.remove('c1', '*')
  await configurations.put('c2', { content, priority: 7 }, '*', undefined)
  const stale = JSON.stringify({ ...before[1], importMode: 'createOrUpdateIfMatchETag' })
  const other = { id: 'c2', importMode: 'createOrUpdate', content, priority: 3 }
  const wrong = ['{"id":"c3","content":{}}', '{"importMode":"delete","id":"c2"}', 'x']
  exchange.files.set('c.txt', [lines[0], stale, JSON.stringify(other), '', ...wrong].join('\n'))
  const request = { ...EXPORT, type: 'import', inputContainerUri: 'memory:' } as const
  const job = await over(jobs, await jobs.create({ ...request, configurationsName: 'c.txt' }))
  assert.equal(job.status, 'completed')
  const found = configurations.list().map(({ id, priority }) => [id, priority])
  assert.deepEqual(found, [
    ['c1', 1],
    ['c2', 3],
  ])
  const log = (exchange.files.get('importErrors.log') ?? '').trimEnd().split('\n')
  const refused = log.map((line) => JSON.parse(line))
  assert.deepEqual(
    refused.map(({ line, configurationId, errorCode }) => [line, configurationId, errorCode]),
    [
      [2, 'c2', 'PreconditionFailed'],
      [5, 'c3', 'InvalidConfigurationContent'],
      [6, 'c2', 'ArgumentInvalid'],
      [7, '', 'DeserializationError'],
    ],
  )
})
