import {
  DEFAULT_CONSUMER_GROUP,
  type DeviceRef,
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  SECURITY_CONSUMER_GROUP,
} from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type {
  CredentialMark,
  CredentialMarkPage,
  ModuleMarkPage,
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from '../../platform.ts'
import { viewCredentials } from './credential-view.ts'
import { DevicePages } from './device-pages.ts'
import { type EventBatch, EventFeed } from './event-feed.ts'
import type { HubAddress } from './hub-address.ts'
import { noticesIn, securityMessageIn } from './hub-event.ts'
import { ensureRoutes } from './hub-routes.ts'
import type { Inbox } from './inbox.ts'
import { viewTwin } from './module-view.ts'
import { queryPage } from './query-page.ts'
import { quoted } from './query-text.ts'
import { ServiceApi } from './service-api.ts'

/** Twins of one device's modules that are read at a time. */
const TWINS_AT_ONCE = 4
/** Devices whose credentials are read for one page, two requests each. */
const CREDENTIAL_PAGE_DEVICES = 20
/** Twins that a page of a query may have; a hub may give fewer. */
const MAX_PAGE_TWINS = 100

export interface AttachedOptions {
  /**
   * Where security messages come from. `$security` (a Twinward keeps them there) leaves the other
   * events to `$Default`; any other group is read for both.
   */
  readonly consumerGroup: string
  /** The ids of modules that are security modules. */
  readonly securityModuleIds: readonly string[]
}

/** Pause before routes are asked for again that could not be made. */
const ROUTES_PAUSE_MS = 60_000

interface Ports {
  readonly clock: Clock
  readonly log: Log
}

/**
 * The platform port on somebody's hub, through nothing but its public service API and its event
 * endpoint: another Twinward, or Azure IoT Hub.
 */
export class AttachedPlatform implements TwinPlatform {
  readonly #api: ServiceApi
  readonly #inbox: Inbox
  readonly #feeds: readonly EventFeed[]
  readonly #options: AttachedOptions
  readonly #ports: Ports
  readonly #closing = new AbortController()
  readonly #listeners = new Set<(notice: PlatformNotice) => void>()
  readonly #devices: DevicePages

  constructor(address: HubAddress, inbox: Inbox, options: AttachedOptions, ports: Ports) {
    this.#api = new ServiceApi(address, ports.clock)
    this.#devices = new DevicePages(this.#api)
    this.#inbox = inbox
    this.#options = options
    this.#ports = ports
    const { consumerGroup } = options
    const groups = new Set([
      consumerGroup,
      ...(consumerGroup === SECURITY_CONSUMER_GROUP ? [DEFAULT_CONSUMER_GROUP] : []),
    ])
    this.#feeds = [...groups].map(
      (group) =>
        new EventFeed(
          address,
          {
            consumerGroup: group,
            startAfter: (partition) => this.#startAfter(group, partition, consumerGroup),
            take: (batch) => this.#take(group, batch, consumerGroup),
            hasRoom: () => group !== consumerGroup || !inbox.isFull,
          },
          ports,
        ),
    )
  }

  /** Begins to read the hub's events. */
  start(): void {
    if (this.#options.consumerGroup === SECURITY_CONSUMER_GROUP) void this.#ensureRoutes()
    for (const feed of this.#feeds) feed.start()
  }

  /** Why events are not read at the moment; `undefined` when all is well. */
  get failure(): string | undefined {
    if (this.#inbox.isFull) return 'The inbox is full: security messages wait at the hub.'
    return this.#feeds.map(({ failure }) => failure).find((failure) => failure !== undefined)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#feeds.map((feed) => feed.close()))
    this.#api.close()
    await this.#inbox.close()
  }

  listDevices(limit: number, after?: string): Promise<readonly string[]> {
    return this.#devices.list(limit, after)
  }

  async listModuleMarks(moduleIds: readonly string[], after?: string): Promise<ModuleMarkPage> {
    const ids = moduleIds.map(quoted).join(', ')
    const query = `SELECT * FROM devices.modules WHERE moduleId IN [${ids}]`
    const page = await queryPage(this.#api, query, { limit: MAX_PAGE_TWINS, after: after ?? '' })
    const { rows, continuation } = page
    return { marks: rows.map(viewTwin), ...(continuation !== '' && { next: continuation }) }
  }

  /** Identities show their keys one by one only, so a page is a few devices. */
  async listCredentialMarks(after?: string): Promise<CredentialMarkPage> {
    const ids = await this.#devices.list(CREDENTIAL_PAGE_DEVICES, after)
    const marks: CredentialMark[] = []
    for (const id of ids) marks.push(...((await this.credentialMarks(id)) ?? []))
    const last = ids.at(-1)
    const isFull = ids.length === CREDENTIAL_PAGE_DEVICES
    return { marks, ...(last !== undefined && isFull && { next: last }) }
  }

  async credentialMarks(deviceId: string): Promise<readonly CredentialMark[] | undefined> {
    const path = devicePath(deviceId)
    const [device, modules] = await Promise.all([
      absentAsUndefined(this.#get(path)),
      absentAsUndefined(this.#get(`${path}/modules`)),
    ])
    if (device === undefined) return undefined
    return [device, ...(Array.isArray(modules) ? modules : [])].flatMap(viewCredentials)
  }

  async deviceGeneration(deviceId: string): Promise<string | undefined> {
    const identity = await absentAsUndefined(this.#get(devicePath(deviceId)))
    if (!isJsonObject(identity)) return undefined
    return typeof identity.generationId === 'string' ? identity.generationId : undefined
  }

  async listModules(deviceId: string): Promise<readonly PlatformModule[] | undefined> {
    const identities = await absentAsUndefined(this.#get(`${devicePath(deviceId)}/modules`))
    if (identities === undefined) return undefined
    const ids = (Array.isArray(identities) ? identities : []).flatMap((one: JsonValue) =>
      isJsonObject(one) && typeof one.moduleId === 'string' ? [one.moduleId] : [],
    )
    const modules: PlatformModule[] = []
    for (let from = 0; from < ids.length; from += TWINS_AT_ONCE) {
      const some = ids.slice(from, from + TWINS_AT_ONCE)
      const found = await Promise.all(
        some.map((moduleId) => this.findModule({ deviceId, moduleId })),
      )
      modules.push(...found.filter((module) => module !== undefined))
    }
    return modules
  }

  async findModule(ref: Required<DeviceRef>): Promise<PlatformModule | undefined> {
    const twin = await absentAsUndefined(this.#get(twinPath(ref)))
    return twin === undefined ? undefined : viewTwin(twin)
  }

  async deviceTags(deviceId: string): Promise<JsonObject | undefined> {
    const twin = await absentAsUndefined(this.#get(twinPath({ deviceId })))
    if (!isJsonObject(twin)) return undefined
    return isJsonObject(twin.tags) ? twin.tags : {}
  }

  async createModule(
    ref: Required<DeviceRef>,
    { tags = {}, desired = {} }: TwinPatchRequest,
  ): Promise<PlatformModule> {
    const { deviceId, moduleId } = ref
    await this.#api.call('PUT', modulePath(ref), { body: { deviceId, moduleId } })
    return this.patchTwin(ref, { tags, desired })
  }

  async patchTwin(
    ref: Required<DeviceRef>,
    { tags, desired }: TwinPatchRequest,
    ifMatch?: string,
  ): Promise<PlatformModule> {
    const { body } = await this.#api.call('PATCH', twinPath(ref), {
      body: {
        ...(tags !== undefined && { tags }),
        ...(desired !== undefined && { properties: { desired } }),
      },
      ifMatch: ifMatch === undefined ? '*' : `"${ifMatch}"`,
    })
    return viewTwin(body)
  }

  readMessages(after: number, limit: number): Promise<readonly SecurityMessage[]> {
    return this.#inbox.read(after, limit)
  }

  async sendSecurityMessage(): Promise<number> {
    throw new HubError('NotImplemented', 'Only a module itself can send to this hub.')
  }

  releaseMessages(through: number): Promise<void> {
    return this.#inbox.forget(through)
  }

  subscribe(listener: (notice: PlatformNotice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #ensureRoutes(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await ensureRoutes(this.#api, this.#options.securityModuleIds)
        return
      } catch (error) {
        if (signal.aborted) return
        log.warn(
          { err: error },
          'the hub does not tell of changes; devices are looked at by the hour',
        )
        // Somebody who may not write routes will not be allowed to a minute later.
        if (!(error instanceof HubError && error.code === 'ServiceUnavailable')) return
        await clock.sleep(ROUTES_PAUSE_MS, signal).catch(() => {})
      }
    }
  }

  #startAfter(group: string, partition: string, consumerGroup: string): string {
    const place = this.#inbox.placeOf(`${group}/${partition}`)
    // What the hub still keeps is for us; its other events only tell what is new.
    return place ?? (group === consumerGroup ? '-1' : '@latest')
  }

  async #take(group: string, { partition, offset, events }: EventBatch, consumerGroup: string) {
    const messages =
      group === consumerGroup ? events.flatMap((event) => securityMessageIn(event) ?? []) : []
    if (group === consumerGroup) {
      await this.#inbox.add(`${group}/${partition}`, offset, messages)
    }
    if (messages.length > 0) this.#tell({ kind: 'messages' })
    for (const notice of events.flatMap(noticesIn)) this.#tell(notice)
  }

  #tell(notice: PlatformNotice): void {
    for (const listener of this.#listeners) listener(notice)
  }

  async #get(path: string): Promise<JsonValue> {
    return (await this.#api.call('GET', path)).body
  }
}

function devicePath(deviceId: string): string {
  return `/devices/${encodeURIComponent(deviceId)}`
}

function modulePath({ deviceId, moduleId }: Required<DeviceRef>): string {
  return `${devicePath(deviceId)}/modules/${encodeURIComponent(moduleId)}`
}

function twinPath({ deviceId, moduleId }: DeviceRef): string {
  const device = `/twins/${encodeURIComponent(deviceId)}`
  return moduleId === undefined ? device : `${device}/modules/${encodeURIComponent(moduleId)}`
}

async function absentAsUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    const isAbsent =
      error instanceof HubError && /^(Device|Module|Generic)NotFound$/.test(error.code)
    if (isAbsent) return undefined
    throw error
  }
}
