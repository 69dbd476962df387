import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { printable } from '../detection/printable.ts'
import type { EdgeManifest, EdgeModule } from './edge-manifest.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'
import type { Verdict } from './rule.ts'

/** Items that a finding lists. */
const MAX_LISTED = 50
const MAX_TEXT_CHARACTERS = 256

/** Capabilities that amount to the host, or nearly so. */
const STRONG_CAPABILITIES: ReadonlySet<string> = new Set([
  ...['ALL', 'SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_BOOT'],
  ...['DAC_READ_SEARCH', 'BPF', 'SYS_TIME', 'MAC_ADMIN', 'MAC_OVERRIDE', 'NET_RAW'],
])
const DOCKER_SOCKETS = [
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
]

/** Variables by which modules are commonly told how to reach the edge hub. */
const TRANSPORT_VARIABLES = ['clienttransporttype', 'transporttype', 'messagingprotocol']
/** A protocol of the edge hub, the variable that switches it, and how transports of it begin. */
const PROTOCOL_HEADS = [
  { name: 'AMQP', variable: 'amqpsettings__enabled', transport: /^amqp/i },
  { name: 'MQTT', variable: 'mqttsettings__enabled', transport: /^mqtt/i },
  { name: 'HTTP', variable: 'httpsettings__enabled', transport: /^http/i },
]

const privilegedType: RecommendationType = {
  recommendationType: 'IoT_PrivilegedDockerOptions',
  displayName: 'Edge module with high privileges',
  severity: 'High',
  description:
    'A module of the edge device runs with privileges by which it can take over the device: ' +
    'privileged mode, strong capabilities, the network or processes of the host, or its files.',
  remediationSteps: [
    'Look at the `createOptions` of each module that is named here.',
    'Take away what the module does not need; give it single devices, ports and folders instead.',
  ],
}

const registryType: RecommendationType = {
  recommendationType: 'IoT_ACRAuthentication',
  displayName: 'Registry of images is used with administrator credentials',
  severity: 'Medium',
  description:
    'The edge device pulls its images with a login that is not of a service principal. Who reads ' +
    'it from the device can change the images of all devices.',
  remediationSteps: [
    'Make a service principal, or a token, that may only pull.',
    'Put it into `registryCredentials` of the deployment and switch the admin account off.',
  ],
}

const loggingType: RecommendationType = {
  recommendationType: 'IoT_EdgeLoggingOptions',
  displayName: 'No logging is configured for edge modules',
  severity: 'Low',
  description:
    'Modules of the edge device have no log driver with limits. Their logs are lost, or fill the ' +
    'disk.',
  remediationSteps: [
    'Set `HostConfig.LogConfig` in the `createOptions` of the modules that are named here, for ' +
      'example `local`, or `json-file` with `max-size` and `max-file`.',
  ],
}

const memoryType: RecommendationType = {
  recommendationType: 'IoT_EdgeHubMemOptimize',
  displayName: 'Memory of the edge hub can be optimised',
  severity: 'Low',
  description:
    'The edge hub listens for protocols that no module of the device uses. Each costs memory and ' +
    'is one more way in.',
  remediationSteps: [
    'Set `AmqpSettings__Enabled`, `MqttSettings__Enabled` or `HttpSettings__Enabled` of the edge hub ' +
      'to false for the protocols that are named here, unless downstream devices use them.',
  ],
}

/** Of what a manifest is judged by, every type. */
export const EDGE_TYPES = [privilegedType, registryType, loggingType, memoryType]

/** What the manifest of an edge device says; without one all is good. Pure. */
export function judgeManifest(manifest: EdgeManifest | undefined): readonly Verdict[] {
  if (manifest === undefined) {
    return EDGE_TYPES.map((type) => ({ type, assessment: { isGood: true } }))
  }
  return [
    { type: privilegedType, assessment: assessPrivileges(manifest.modules) },
    { type: registryType, assessment: assessLogins(manifest) },
    { type: loggingType, assessment: assessLogging(manifest.modules) },
    { type: memoryType, assessment: assessHeads(manifest.modules) },
  ]
}

function assessPrivileges(modules: readonly EdgeModule[]): Assessment {
  const found = modules.flatMap(({ name, options }) => {
    const reasons = privilegesIn(options.HostConfig)
    return reasons.length === 0 ? [] : [{ Module: shown(name), Privileges: reasons }]
  })
  return list('Modules', found)
}

function privilegesIn(host: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(host)) return []
  const capabilities = textsIn(host.CapAdd)
    .map((name) => name.toUpperCase().replace(/^CAP_/, ''))
    .filter((name) => STRONG_CAPABILITIES.has(name))
  const bound = [...textsIn(host.Binds), ...mountsIn(host.Mounts)].filter(isHostBind)
  return [
    ...(host.Privileged === true ? ['Privileged'] : []),
    ...capabilities.map((name) => `CapAdd ${name}`),
    ...(host.NetworkMode === 'host' ? ['NetworkMode host'] : []),
    ...(host.PidMode === 'host' ? ['PidMode host'] : []),
    ...bound.map((bind) => `Bind ${shown(bind)}`),
  ].slice(0, MAX_LISTED)
}

function mountsIn(mounts: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(mounts)) return []
  return mounts.flatMap((mount) =>
    isJsonObject(mount) && mount.Type === 'bind' ? [String(mount.Source ?? '')] : [],
  )
}

/** `/:/host`, `/var/run/docker.sock:/var/run/docker.sock:ro` */
function isHostBind(bind: string): boolean {
  const [source = ''] = bind.split(':')
  const path = source.length > 1 ? source.replace(/\/+$/, '') : source
  return path === '/' || DOCKER_SOCKETS.includes(path)
}

function assessLogins({ logins }: EdgeManifest): Assessment {
  const found = logins
    .filter(({ address, username }) => isContainerRegistry(address) && !isPrincipal(username))
    .map(({ address, username }) => ({ Address: shown(address), UserName: shown(username) }))
  return list('Registries', found)
}

function isContainerRegistry(address: string): boolean {
  return /^[\w-]+\.azurecr\.\w+/i.test(address.replace(/^https?:\/\//, ''))
}

/** Service principals have GUIDs for names; what a variable stands for is not known. */
function isPrincipal(username: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(username) || username.startsWith('$')
}

function assessLogging(modules: readonly EdgeModule[]): Assessment {
  const found = modules
    .filter(({ options }) => !hasLogDriver(options))
    .map(({ name }) => shown(name))
  return list('Modules', found)
}

function hasLogDriver({ HostConfig: host }: JsonObject): boolean {
  const config = isJsonObject(host) ? host.LogConfig : undefined
  const type = isJsonObject(config) ? config.Type : undefined
  return typeof type === 'string' && type !== '' && type !== 'none'
}

/** Of modules that do not say how they connect nothing is known, and so nothing of the edge hub. */
function assessHeads(modules: readonly EdgeModule[]): Assessment {
  const hub = modules.find(({ isSystem, name }) => isSystem && name === 'edgeHub')
  const transports = modules
    .filter(({ isSystem }) => !isSystem)
    .map(({ environment }) =>
      TRANSPORT_VARIABLES.map((name) => environment.get(name)).find((value) => value !== undefined),
    )
  const isKnown = transports.length > 0 && transports.every((transport) => transport !== undefined)
  if (!hub || !isKnown) return { isGood: true }
  const unused = PROTOCOL_HEADS.filter(
    ({ variable, transport }) =>
      hub.environment.get(variable)?.toLowerCase() !== 'false' &&
      !transports.some((used) => transport.test(used ?? '')),
  )
  return list(
    'UnusedProtocolHeads',
    unused.map(({ name }) => name),
  )
}

/** What devices of a group are compared by: a hash of the settings of each module. Pure. */
export function moduleHashes({ modules }: EdgeManifest): { readonly [name: string]: string } {
  return Object.fromEntries(
    modules.map(({ name, settings }) => {
      const text = JSON.stringify(sorted(settings))
      return [name, createHash('sha256').update(text).digest('hex').slice(0, 16)]
    }),
  )
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]))
}

function list(name: string, found: readonly (string | object)[]): Assessment {
  if (found.length === 0) return { isGood: true }
  const listed = JSON.stringify(found.slice(0, MAX_LISTED))
  return { isGood: false, additionalData: { [name]: listed, Total: String(found.length) } }
}

function textsIn(value: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(value)) return []
  return value.filter((one): one is string => typeof one === 'string').slice(0, MAX_LISTED)
}

function shown(text: string): string {
  return printable(text, MAX_TEXT_CHARACTERS)
}
