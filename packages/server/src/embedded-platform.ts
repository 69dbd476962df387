import { createHash } from 'node:crypto'
import {
  type Entry,
  type EventLog,
  formatTwinEtag,
  type Hub,
  type Notice,
  type WriteAuthor,
} from '@twinward/hub'
import {
  type DeviceRef,
  HubError,
  type JsonObject,
  SECURITY_INTERFACE_ID,
} from '@twinward/protocol'
import type {
  CredentialMark,
  CredentialMarkPage,
  HubActivity,
  HubSetup,
  ModuleMark,
  ModuleMarkPage,
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from '@twinward/security'
import { EmbeddedActivity } from './embedded-activity.ts'
import { EmbeddedHubSetup } from './embedded-hub-setup.ts'

const SECURITY_PARTITION = 0
/** Marks of one page: parsing them takes about a millisecond, in which nothing else runs. */
const PAGE_MARKS = 100

/** Identities whose credentials are read at once. */
const PAGE_IDENTITIES = 100

/** It asks its own callers for their rights, and repeats what they were allowed. */
const SECURITY_SERVICE: WriteAuthor = { name: 'security service', rights: ['RegistryWrite'] }

/** The platform port on the hub of this process: through its services, as a back-end would. */
export class EmbeddedPlatform implements TwinPlatform {
  readonly activity: HubActivity
  readonly hubSetup: HubSetup
  readonly #hub: Hub
  readonly #eventLog: EventLog

  /** @param listening  where the hub's listeners are */
  constructor(hub: Hub, eventLog: EventLog, listening: { readonly listen: string }) {
    this.activity = new EmbeddedActivity(hub.activity)
    this.hubSetup = new EmbeddedHubSetup(hub, listening)
    this.#hub = hub
    this.#eventLog = eventLog
  }

  async listDevices(limit: number, after?: string): Promise<readonly string[]> {
    const devices = await this.#hub.identities.listDevices(limit, after)
    return devices.map(({ ref }) => ref.deviceId)
  }

  async listModules(deviceId: string): Promise<readonly PlatformModule[] | undefined> {
    const modules = await absentAsUndefined(this.#hub.identities.listModules(deviceId))
    return modules?.map((entry) => this.#view(entry))
  }

  async listModuleMarks(moduleIds: readonly string[], after?: string): Promise<ModuleMarkPage> {
    const { rows, continuation } = await this.#hub.queries.run(marksQuery(moduleIds), {
      maxItems: PAGE_MARKS,
      ...(after !== undefined && { continuation: after }),
    })
    const marks = rows.map(readMark)
    return { marks, ...(continuation !== undefined && { next: continuation }) }
  }

  async listCredentialMarks(after?: string): Promise<CredentialMarkPage> {
    const place = after === undefined ? undefined : (JSON.parse(after) as DeviceRef)
    const entries = await this.#hub.identities.listEntries(PAGE_IDENTITIES, place)
    const last = entries.at(-1)
    // A page may end early, never with nothing before the end.
    return {
      marks: entries.flatMap(credentialsOf),
      ...(last && { next: JSON.stringify(last.ref) }),
    }
  }

  async credentialMarks(deviceId: string): Promise<readonly CredentialMark[] | undefined> {
    const device = await absentAsUndefined(this.#hub.identities.get({ deviceId }))
    if (device === undefined) return undefined
    const modules = await absentAsUndefined(this.#hub.identities.listModules(deviceId))
    return [device, ...(modules ?? [])].flatMap(credentialsOf)
  }

  async deviceGeneration(deviceId: string): Promise<string | undefined> {
    const entry = await absentAsUndefined(this.#hub.identities.get({ deviceId }))
    return entry?.identity.generationId
  }

  async findModule(ref: Required<DeviceRef>): Promise<PlatformModule | undefined> {
    const entry = await absentAsUndefined(this.#hub.identities.get(ref))
    return entry && this.#view(entry)
  }

  async deviceTags(deviceId: string): Promise<JsonObject | undefined> {
    const entry = await absentAsUndefined(this.#hub.identities.get({ deviceId }))
    return entry?.twin.tags
  }

  async createModule(
    ref: Required<DeviceRef>,
    { tags = {}, desired = {} }: TwinPatchRequest,
  ): Promise<PlatformModule> {
    return this.#view(await this.#hub.identities.createModule(ref, {}, { tags, desired }))
  }

  async patchTwin(
    ref: Required<DeviceRef>,
    patch: TwinPatchRequest,
    ifMatch?: string,
  ): Promise<PlatformModule> {
    const condition = ifMatch === undefined ? {} : { ifMatch }
    return this.#view(await this.#hub.twins.patch(ref, patch, condition, SECURITY_SERVICE))
  }

  async readMessages(after: number, limit: number): Promise<readonly SecurityMessage[]> {
    const records = await this.#eventLog.read('security', SECURITY_PARTITION, after, limit)
    return records.map(({ sequence, message }) => ({ ...message, sequence }))
  }

  async sendSecurityMessage(ref: Required<DeviceRef>, body: Uint8Array): Promise<number> {
    const { telemetry, clock, bus } = this.#hub
    if (telemetry.isSecurityBacklogFull) {
      throw new HubError('ServiceUnavailable', 'Too many security messages wait to be evaluated.')
    }
    const sequence = await this.#eventLog.append('security', SECURITY_PARTITION, {
      ...{ ref, body, application: {}, generationId: '', authMethod: '' },
      system: { interfaceId: SECURITY_INTERFACE_ID },
      enqueuedTimeMs: clock.now(),
    })
    bus.publish({ kind: 'messages-stored', stream: 'security' })
    return sequence
  }

  async releaseMessages(through: number): Promise<void> {
    await this.#eventLog.trim('security', SECURITY_PARTITION, through)
  }

  subscribe(listener: (notice: PlatformNotice) => void): () => void {
    return this.#hub.bus.subscribe((notice) => {
      const translated = translate(notice)
      if (translated) listener(translated)
    })
  }

  #view({ ref, identity, twin, configured }: Entry): PlatformModule {
    return {
      ref: { deviceId: ref.deviceId, moduleId: ref.moduleId ?? '' },
      connected: this.#hub.sessions.isConnected(ref),
      etag: formatTwinEtag(twin.etag),
      tags: twin.tags,
      desired: twin.desired.values,
      desiredVersion: twin.desired.version,
      desiredUpdatedMs: twin.desired.metadata.t,
      reported: twin.reported.values,
      reportedVersion: twin.reported.version,
      reportedUpdatedMs: twin.reported.metadata.t,
      lastActivityMs: identity.lastActivityTimeMs,
      ...(configured && { configured: configured.paths }),
      connectionChangedMs: identity.connectionStateUpdatedTimeMs,
    }
  }
}

/** Runs beside writes, on another thread than theirs. */
function marksQuery(moduleIds: readonly string[]): string {
  const ids = moduleIds.map((id) => `'${id.replaceAll("'", "\\'")}'`).join(', ')
  return (
    'SELECT deviceId, moduleId, tags, properties.desired.$version AS desiredVersion, ' +
    'properties.reported.$version AS reportedVersion ' +
    `FROM devices.modules WHERE moduleId IN [${ids}]`
  )
}

function readMark(row: string): ModuleMark {
  const mark = JSON.parse(row) as DeviceRef & Omit<ModuleMark, 'ref'>
  const { deviceId, moduleId = '', tags = {}, desiredVersion, reportedVersion } = mark
  return { ref: { deviceId, moduleId }, tags, desiredVersion, reportedVersion }
}

/** Digests of what opens an identity; nothing for one that a certificate authority vouches for. */
function credentialsOf({ ref, identity: { authentication } }: Entry): readonly CredentialMark[] {
  switch (authentication.type) {
    case 'sas': {
      const keys = [authentication.primaryKey, authentication.secondaryKey]
      const digests = keys.map((key) => createHash('sha256').update(key).digest('hex'))
      return [{ ref, credentials: digests.map((digest) => ({ kind: 'symmetricKey', digest })) }]
    }
    case 'selfSigned': {
      const { primaryThumbprint, secondaryThumbprint } = authentication
      const digests = [primaryThumbprint, secondaryThumbprint].flatMap(
        (thumbprint) => thumbprint?.toLowerCase() ?? [],
      )
      return [{ ref, credentials: digests.map((digest) => ({ kind: 'certificate', digest })) }]
    }
    default:
      return []
  }
}

function translate(notice: Notice): PlatformNotice | undefined {
  if (notice.kind === 'messages-stored') {
    return notice.stream === 'security' ? { kind: 'messages' } : undefined
  }
  if (notice.kind === 'audit-recorded') return { kind: 'hub-event' }
  if (notice.kind === 'authority-revoked' || notice.kind === 'feedback-waiting') return undefined
  if (notice.kind === 'setup-changed') return undefined
  const { deviceId, moduleId } = notice.ref
  if (notice.kind === 'tags-changed') return { kind: 'tags-changed', deviceId, patch: notice.patch }
  if (notice.kind === 'identity-changed') {
    return notice.credentialChanged ? { kind: 'credentials-changed', deviceId } : undefined
  }
  if (moduleId === undefined) {
    if (notice.kind === 'identity-created') return { kind: 'device-created', deviceId }
    if (notice.kind === 'identity-removed') return { kind: 'device-removed', deviceId }
    return undefined
  }
  const ref = { deviceId, moduleId }
  switch (notice.kind) {
    case 'identity-created':
      return { kind: 'module-created', ref }
    case 'identity-removed':
      return { kind: 'module-removed', ref }
    case 'desired-changed':
    case 'reported-changed':
      return { kind: notice.kind, ref }
    case 'session-opened':
      return { kind: 'connected', ref }
    case 'session-closed':
      return { kind: 'disconnected', ref }
    default:
      return undefined
  }
}

async function absentAsUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (error instanceof HubError && /^(Device|Module)NotFound$/.test(error.code)) return undefined
    throw error
  }
}
