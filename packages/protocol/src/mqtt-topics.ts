import type { DeviceRef } from './device-ref.ts'
import type { CloudMessage } from './message.ts'
import { formatCloudBag } from './property-bag.ts'
import { percentDecode } from './sas.ts'

/** The topics of IoT Hub's MQTT (03 §5): it is a fixed list, not a broker's tree. */
export const TWIN_RESPONSES = '$iothub/twin/res/#'
export const DESIRED_CHANGES = '$iothub/twin/PATCH/properties/desired/#'
export const METHOD_REQUESTS = '$iothub/methods/POST/#'

const TWIN_GET = '$iothub/twin/GET'
const TWIN_PATCH = '$iothub/twin/PATCH/properties/reported'
const METHOD_RESPONSE = '$iothub/methods/res/'
const METHOD_STATUS = /^-?\d{1,10}$/
const EVENTS = '/messages/events'
const RID = '$rid='
const VERSION = '&$version='

/** Who connects, from the user name of CONNECT (03 §2.2). The ids are not validated. */
export interface MqttUserName {
  readonly hostName: string
  readonly ref: DeviceRef
  /** Without it the client is from before twins. */
  readonly apiVersion?: string
  readonly modelId?: string
}

/** `{host}/{d}[/{m}][/[?]api-version=…&…]`; `undefined` when it is nothing like that. */
export function parseMqttUserName(text: string): MqttUserName | undefined {
  const [hostName = '', deviceId = '', ...rest] = text.split('/')
  const hasModule = rest[0] !== undefined && rest[0] !== '' && !isQuery(rest[0])
  const moduleId = hasModule ? rest[0] : undefined
  const query = rest.slice(hasModule ? 1 : 0).join('/')
  if (hostName === '' || deviceId === '' || (query !== '' && !isQuery(query))) return undefined
  const parameters = parseParameters(query.startsWith('?') ? query.slice(1) : query)
  const apiVersion = parameters.get('api-version')
  const modelId = parameters.get('model-id')
  return {
    hostName,
    ref: moduleId === undefined ? { deviceId } : { deviceId, moduleId },
    ...(apiVersion !== undefined && { apiVersion }),
    ...(modelId !== undefined && { modelId }),
  }
}

function isQuery(segment: string): boolean {
  return segment.startsWith('?') || segment.includes('api-version=')
}

/** Of equal names the first wins. */
function parseParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals)
    if (equals < 1 || parameters.has(name)) continue
    const value = part.slice(equals + 1)
    parameters.set(name, percentDecode(value) ?? value)
  }
  return parameters
}

/** `devices/{d}[/modules/{m}]/messages/events/`, to which a property bag may be appended. */
export function telemetryTopic({ deviceId, moduleId }: DeviceRef): string {
  const module = moduleId === undefined ? '' : `/modules/${moduleId}`
  return `devices/${deviceId}${module}${EVENTS}/`
}

/**
 * The property bag of a telemetry topic; `undefined` when it is not the telemetry topic of `ref`:
 * a device does not speak for another, a module not for its device.
 */
export function telemetryBag(topic: string, ref: DeviceRef): string | undefined {
  if (!topic.startsWith('devices/')) return undefined
  const deviceEnd = topic.indexOf('/', 8)
  if (deviceEnd < 0 || !isId(topic.slice(8, deviceEnd), ref.deviceId)) return undefined
  let idsEnd = deviceEnd
  if (ref.moduleId !== undefined) {
    const moduleStart = deviceEnd + '/modules/'.length
    idsEnd = topic.indexOf('/', moduleStart)
    if (idsEnd < 0 || !topic.startsWith('/modules/', deviceEnd)) return undefined
    if (!isId(topic.slice(moduleStart, idsEnd), ref.moduleId)) return undefined
  }
  const bagStart = idsEnd + EVENTS.length
  if (!topic.startsWith(EVENTS, idsEnd)) return undefined
  if (topic.length === bagStart) return ''
  return topic[bagStart] === '/' ? topic.slice(bagStart + 1) : undefined
}

/** SDKs write ids as they are; other clients encode what a topic may not hold. */
function isId(segment: string, id: string): boolean {
  return segment === id || percentDecode(segment) === id
}

/** A twin request's topic. `rid` is opaque and goes back as it came. */
export interface TwinRequest {
  readonly operation: 'get' | 'patch'
  readonly rid: string
  /** The text of `$version=`, not validated. */
  readonly version?: string
}

/**
 * Topics 11 and 12 of 03 §5, with or without the last slash; `undefined` for any other, and when
 * there is no `$rid`.
 */
export function parseTwinRequest(topic: string): TwinRequest | undefined {
  if (topic.startsWith(TWIN_PATCH)) return twinRequest('patch', topic, TWIN_PATCH.length)
  if (topic.startsWith(TWIN_GET)) return twinRequest('get', topic, TWIN_GET.length)
  return undefined
}

function twinRequest(
  operation: TwinRequest['operation'],
  topic: string,
  pathEnd: number,
): TwinRequest | undefined {
  const queryStart = topic[pathEnd] === '/' ? pathEnd + 1 : pathEnd
  if (queryStart === pathEnd && topic[pathEnd] !== '?') return undefined
  const rid = ridIn(topic, queryStart)
  if (rid === undefined) return undefined
  const version = versionIn(topic, queryStart)
  return version === undefined ? { operation, rid } : { operation, rid, version }
}

function ridIn(topic: string, queryStart: number): string | undefined {
  const ridStart = topic.indexOf(RID, queryStart) + RID.length
  const before = topic[ridStart - RID.length - 1]
  if (ridStart < queryStart + RID.length || (before !== '?' && before !== '&')) return undefined
  const ridEnd = topic.indexOf('&', ridStart)
  const rid = topic.slice(ridStart, ridEnd < 0 ? undefined : ridEnd)
  return rid === '' ? undefined : rid
}

function versionIn(topic: string, queryStart: number): string | undefined {
  let start = topic.indexOf(VERSION, queryStart)
  if (start < 0) start = topic.startsWith(`?${VERSION.slice(1)}`, queryStart) ? queryStart : -1
  if (start < 0) return undefined
  const end = topic.indexOf('&', start + VERSION.length)
  return topic.slice(start + VERSION.length, end < 0 ? undefined : end)
}

/** `$` stays literal and the query follows a slash: the C SDK insists. */
export function twinResponseTopic(status: number, rid: string, version?: number): string {
  const topic = `$iothub/twin/res/${status}/?$rid=${rid}`
  return version === undefined ? topic : `${topic}&$version=${version}`
}

export function desiredChangeTopic(version: number): string {
  return `$iothub/twin/PATCH/properties/desired/?$version=${version}`
}

/** Nothing follows the rid: the C# SDK takes all of the rest for it (03 §10). */
export function methodRequestTopic(name: string, rid: string): string {
  return `$iothub/methods/POST/${name}/?$rid=${rid}`
}

export interface MethodResponse {
  readonly status: number
  readonly rid: string
}

/** Topic 18 of 03 §5, with or without the last slash; `undefined` for any other. */
export function parseMethodResponse(topic: string): MethodResponse | undefined {
  if (!topic.startsWith(METHOD_RESPONSE)) return undefined
  const queryStart = topic.indexOf('?', METHOD_RESPONSE.length)
  if (queryStart < 0) return undefined
  const statusEnd = topic[queryStart - 1] === '/' ? queryStart - 1 : queryStart
  const status = topic.slice(METHOD_RESPONSE.length, statusEnd)
  const rid = ridIn(topic, queryStart)
  if (rid === undefined || !METHOD_STATUS.test(status)) return undefined
  return { status: Number(status), rid }
}

/** Where a device or module gets its cloud-to-device messages, without the property bag. */
function cloudMessagePath({ deviceId, moduleId }: DeviceRef): string {
  const module = moduleId === undefined ? '' : `/modules/${moduleId}`
  return `devices/${deviceId}${module}/messages/`
}

/** Topics 4 and 9 of 03 §5. What a topic may not hold of an id is percent-encoded. */
export function cloudMessageTopic(ref: DeviceRef, message: Omit<CloudMessage, 'body'>): string {
  const path = cloudMessagePath(ref)
  const bag = formatCloudBag(message, `/${path}deviceBound`)
  return `${path.replace(/[+#]/g, encodeURIComponent)}devicebound/${bag}`
}

/** What a device or module can subscribe to. */
export type MqttSubscription =
  | 'twin-responses'
  | 'desired-changes'
  | 'method-requests'
  | 'c2d'
  | 'inputs'
  | 'module-messages'

/** What a filter asks for; `undefined` when `ref` cannot subscribe to it. */
export function parseMqttFilter(filter: string, ref: DeviceRef): MqttSubscription | undefined {
  if (filter === TWIN_RESPONSES) return 'twin-responses'
  if (filter === DESIRED_CHANGES) return 'desired-changes'
  if (filter === METHOD_REQUESTS) return 'method-requests'
  const [devices, device, ...rest] = filter.split('/')
  if (devices !== 'devices' || device === undefined || !isId(device, ref.deviceId)) return undefined
  if (ref.moduleId === undefined) return isC2d(rest) ? 'c2d' : undefined
  const [modules, module, ...below] = rest
  if (modules !== 'modules' || module === undefined || !isId(module, ref.moduleId)) return undefined
  if (isC2d(below)) return 'c2d'
  if (below[0] === 'inputs' && below[1] === '#' && below.length === 2) return 'inputs'
  return below[0] === '#' && below.length === 1 ? 'module-messages' : undefined
}

function isC2d([messages, devicebound, all, ...more]: readonly string[]): boolean {
  return (
    messages === 'messages' && devicebound === 'devicebound' && all === '#' && more.length === 0
  )
}
