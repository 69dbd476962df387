import { type DeviceRef, isValidId, percentDecode } from '@twinward/protocol'

/** What a link is for (04 §3, §9); the direction tells the rest. */
export type LinkAddress =
  | { readonly kind: 'cbs' }
  | { readonly kind: 'telemetry'; readonly ref: DeviceRef }
  | { readonly kind: 'cloud-messages'; readonly ref: DeviceRef }
  | { readonly kind: 'twin'; readonly ref: DeviceRef }
  | { readonly kind: 'methods'; readonly ref: DeviceRef }
  | { readonly kind: 'service-cloud-messages' }
  | { readonly kind: 'feedback' }
  | { readonly kind: 'file-notifications' }
  | EventAddress
  | RegistrationAddress

/** Of the provisioning service: `{idScope}/registrations/{rid}` (11 §3.4). */
export interface RegistrationAddress {
  readonly kind: 'registration'
  readonly idScope: string
  readonly registrationId: string
}

/** What a reader of events attaches to: `{entity}/ConsumerGroups/{cg}/Partitions/{p}` or `$management`. */
export interface EventAddress {
  readonly kind: 'events'
  /** As in the address, without slashes at its ends; empty for a bare `$management`. */
  readonly entity: string
  /** Absent: the address names nothing that one can read. */
  readonly node?: EventNode
}

export type EventNode =
  | { readonly kind: 'management' }
  | { readonly kind: 'partition'; readonly group: string; readonly partition: string }

const SCHEME = /^[a-z]+:\/\/[^/]*/i
const DEVICE_KINDS: ReadonlyMap<string, 'telemetry' | 'cloud-messages' | 'twin' | 'methods'> =
  new Map([
    ['messages/events', 'telemetry'],
    ['messages/devicebound', 'cloud-messages'],
    ['twin', 'twin'],
    ['methods/devicebound', 'methods'],
  ])
const SERVICE_KINDS: ReadonlyMap<
  string,
  'service-cloud-messages' | 'feedback' | 'file-notifications'
> = new Map([
  ['messages/devicebound', 'service-cloud-messages'],
  ['messages/servicebound/feedback', 'feedback'],
  ['messages/servicebound/filenotifications', 'file-notifications'],
])

/**
 * Reads the address of a link: relative or with scheme and host, with or without a slash at either
 * end, in any case but for the ids, which are percent-encoded once.
 */
export function parseLinkAddress(address: string): LinkAddress | undefined {
  const path = address.replace(SCHEME, '')
  const segments = path.split('/').filter((segment) => segment !== '')
  const [first = ''] = segments
  if (first.toLowerCase() === '$cbs' && segments.length === 1) return { kind: 'cbs' }
  if (first.toLowerCase() === 'devices') return deviceAddress(segments)
  const name = segments.join('/').toLowerCase()
  const kind = SERVICE_KINDS.get(name)
  if (kind) return { kind }
  return registrationAddress(segments) ?? eventAddress(segments)
}

function registrationAddress(segments: readonly string[]): RegistrationAddress | undefined {
  const [idScope = '', registrations = ''] = segments
  const registrationId = percentDecode(segments[2] ?? '') ?? ''
  const isRegistration = registrations.toLowerCase() === 'registrations' && segments.length === 3
  if (!isRegistration || registrationId === '') return undefined
  return { kind: 'registration', idScope, registrationId }
}

function eventAddress(segments: readonly string[]): EventAddress | undefined {
  const isOwnName = `${segments[0]}/${segments[1]}`.toLowerCase() === 'messages/events'
  const entitySegments = isOwnName ? 2 : segments.length > 1 ? 1 : 0
  const entity = segments.slice(0, entitySegments).join('/')
  const node = eventNode(segments.slice(entitySegments))
  if (!node && !isOwnName) return undefined
  return { kind: 'events', entity, ...(node && { node }) }
}

function eventNode(segments: readonly string[]): EventNode | undefined {
  const [first = '', group = '', third = '', partition = ''] = segments.map(percentDecode)
  if (first.toLowerCase() === '$management' && segments.length === 1) return { kind: 'management' }
  const isPartition =
    first.toLowerCase() === 'consumergroups' &&
    third.toLowerCase() === 'partitions' &&
    segments.length === 4
  return isPartition && group !== '' ? { kind: 'partition', group, partition } : undefined
}

/** The device or module that a message is for: `/devices/{d}[/modules/{m}]/messages/devicebound`. */
export function parseRecipient(to: string): DeviceRef | undefined {
  const address = parseLinkAddress(to)
  return address?.kind === 'cloud-messages' ? address.ref : undefined
}

function deviceAddress(segments: readonly string[]): LinkAddress | undefined {
  const isModule = segments[2]?.toLowerCase() === 'modules'
  const deviceId = idOf(segments[1])
  const moduleId = isModule ? idOf(segments[3]) : undefined
  if (deviceId === undefined || (isModule && moduleId === undefined)) return undefined
  const name = segments.slice(isModule ? 4 : 2).join('/')
  const kind = DEVICE_KINDS.get(name.toLowerCase())
  if (!kind) return undefined
  return { kind, ref: { deviceId, ...(moduleId !== undefined && { moduleId }) } }
}

function idOf(segment: string | undefined): string | undefined {
  const id = percentDecode(segment ?? '')
  return id !== undefined && isValidId(id) ? id : undefined
}

/** What a token is put for (04 §2). */
export interface Audience {
  readonly host: string
  /**
   * The identities it may name: an id may be encoded once or twice, and `%` is allowed in ids. Empty
   * for everything but devices.
   */
  readonly refs: readonly DeviceRef[]
  /** Below the host, without a slash in front; empty for the hub as a whole. */
  readonly path: string
}

/** Reads the `name` of a put-token: percent-encoded as a whole or not, with or without a scheme. */
export function parseAudience(name: string): Audience | undefined {
  const isEncoded = !name.includes('/')
  const text = isEncoded ? percentDecode(name) : name
  if (text === undefined) return undefined
  const [host = '', ...segments] = text.replace(/^[a-z]+:\/\//i, '').split('/')
  if (host === '') return undefined
  while (segments.at(-1) === '') segments.pop()
  return { host, refs: refsOf(segments), path: segments.join('/') }
}

function refsOf(segments: readonly string[]): readonly DeviceRef[] {
  const [devices, device, modules, module] = segments
  const isDevice = devices?.toLowerCase() === 'devices' && segments.length === 2
  const isModule =
    devices?.toLowerCase() === 'devices' &&
    modules?.toLowerCase() === 'modules' &&
    segments.length === 4
  if (!isDevice && !isModule) return []
  const once = refOf(device, module)
  const twice = refOf(percentDecode(device ?? ''), module && percentDecode(module))
  const isSame = twice?.deviceId === once?.deviceId && twice?.moduleId === once?.moduleId
  return [once, ...(isSame ? [] : [twice])].filter((ref) => ref !== undefined)
}

function refOf(deviceId: string | undefined, moduleId: string | undefined): DeviceRef | undefined {
  if (deviceId === undefined || !isValidId(deviceId)) return undefined
  if (moduleId === undefined) return { deviceId }
  return isValidId(moduleId) ? { deviceId, moduleId } : undefined
}
