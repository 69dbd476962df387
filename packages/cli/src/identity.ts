import { type DeviceRef, formatConnectionString, isValidId } from '@twinward/protocol'
import { type Api, pathOf } from './api-client.ts'
import { CommandError, type Input, type Option, UsageError } from './command.ts'
import { deviceHostName } from './host-name.ts'
import { formatFields, formatTime } from './output.ts'
import type { Target } from './target.ts'

/** A device or module as the service API shows it; only modules have `moduleId` and `managedBy`. */
export interface Identity {
  readonly deviceId: string
  readonly moduleId?: string
  readonly managedBy?: string
  readonly etag: string
  readonly status?: string
  readonly statusReason?: string | null
  readonly connectionState: string
  readonly lastActivityTime: string
  readonly capabilities?: { readonly iotEdge: boolean }
  readonly deviceScope?: string
  readonly parentScopes?: readonly string[]
  readonly authentication: Authentication
}

export interface Authentication {
  readonly type: string
  readonly symmetricKey?: { readonly primaryKey: string | null }
  readonly x509Thumbprint?: {
    readonly primaryThumbprint: string | null
    readonly secondaryThumbprint: string | null
  }
}

/** How an identity that is created will authenticate. */
export const AUTHENTICATION_OPTIONS: readonly Option[] = [
  {
    flags: '--auth <kind>',
    description: 'keys made by the hub, a certificate by its thumbprint, or one of a registered CA',
    defaultText: 'sas',
    choices: ['sas', 'x509', 'x509-ca'],
  },
  {
    flags: '--primary-thumbprint <hex>',
    description: "SHA-1 or SHA-256 of the device's certificate, with --auth x509",
  },
  { flags: '--secondary-thumbprint <hex>', description: 'of its next certificate' },
]

export function readAuthentication(input: Input): object {
  const primaryThumbprint = input.text('primaryThumbprint')
  const secondaryThumbprint = input.text('secondaryThumbprint') ?? null
  const kind = input.text('auth')
  if (kind !== 'x509') {
    if (primaryThumbprint !== undefined || secondaryThumbprint !== null) {
      throw new UsageError('Thumbprints go with --auth x509.')
    }
    return { type: kind === 'x509-ca' ? 'certificateAuthority' : 'sas' }
  }
  if (primaryThumbprint === undefined) {
    throw new UsageError('--auth x509 needs --primary-thumbprint.')
  }
  return { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint } }
}

/** @throws {UsageError} for what cannot be an id; keeps an empty one from meaning "all" */
export function readRef(deviceId: string, moduleId?: string): DeviceRef {
  for (const id of moduleId === undefined ? [deviceId] : [deviceId, moduleId]) {
    if (isValidId(id)) continue
    throw new UsageError(
      `'${id}' is not an id: 1 to 128 letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '`,
    )
  }
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId }
}

export function getIdentity(api: Api, ref: DeviceRef): Promise<Identity> {
  return api.get<Identity>(pathOf(ref))
}

/** @throws {CommandError} for an identity without keys */
export function primaryKeyOf({ deviceId, moduleId, authentication }: Identity): string {
  const key = authentication.symmetricKey?.primaryKey
  if (key) return key
  const who = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  throw new CommandError(
    `${who} has no key: it authenticates with ${authentication.type}. Use its certificate instead.`,
  )
}

/** `HostName=…;DeviceId=…;SharedAccessKey=…`, with the port when it is not 8883. */
export function deviceConnectionString(identity: Identity, target: Target): string {
  const { deviceId, moduleId } = identity
  return formatConnectionString({
    hostName: deviceHostName(target),
    deviceId,
    ...(moduleId !== undefined && { moduleId }),
    sharedAccessKey: primaryKeyOf(identity),
  })
}

/** The identity as it may be shown: without keys. */
export function withoutKeys({ authentication, ...identity }: Identity): object {
  const { symmetricKey: _, ...rest } = authentication
  return { ...identity, authentication: rest }
}

/** The lines of an identity for people. */
export function describeIdentity(identity: Identity): string {
  const { authentication } = identity
  return formatFields([
    ['Device', identity.deviceId],
    ['Module', identity.moduleId],
    ['Managed by', identity.managedBy],
    ['Status', identity.status],
    ['Reason', identity.statusReason ?? undefined],
    ['Connection', identity.connectionState],
    ['Last activity', formatTime(identity.lastActivityTime)],
    ['Authentication', authentication.type],
    ['Thumbprint', authentication.x509Thumbprint?.primaryThumbprint ?? undefined],
    ['Edge', identity.capabilities?.iotEdge ? 'yes' : undefined],
    ['Parent scope', identity.parentScopes?.[0]],
  ])
}
