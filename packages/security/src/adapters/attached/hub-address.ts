import { createHmac } from 'node:crypto'
import { formatSas, HubError, parseConnectionString, sasResource } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'

/** Life of a token, in ms; a new one is made before it ends. */
export const TOKEN_LIFE_MS = 3600_000

/** Where a hub is and what opens it. */
export interface HubAddress {
  readonly hostName: string
  readonly httpsPort: number
  readonly amqpPort: number
  readonly policyName: string
  /** Base64, as in the connection string. */
  readonly policyKey: string
  /** PEM certificates to trust in place of the well-known ones. */
  readonly ca?: string
}

export interface HubAddressOptions {
  /** Default 443; a port in the connection string's host name goes before it. */
  readonly httpsPort?: number
  /** Default 5671. */
  readonly amqpPort?: number
  readonly ca?: string
}

const HTTPS_PORT = 443
const AMQP_PORT = 5671

/** @throws {HubError} `ArgumentInvalid` in words for a person, without the key */
export function parseHubAddress(
  connectionString: string,
  { httpsPort = HTTPS_PORT, amqpPort = AMQP_PORT, ca }: HubAddressOptions = {},
): HubAddress {
  const { sharedAccessKey, sharedAccessKeyName, hostName, deviceId } = parse(connectionString)
  if (sharedAccessKeyName === undefined || deviceId !== undefined) {
    throw new HubError(
      'ArgumentInvalid',
      'Attaching needs the connection string of a shared access policy, with a SharedAccessKeyName.',
    )
  }
  const [, name = hostName, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(hostName) ?? []
  return {
    hostName: name,
    httpsPort: port === undefined ? httpsPort : Number(port),
    amqpPort,
    policyName: sharedAccessKeyName,
    policyKey: sharedAccessKey,
    ...(ca !== undefined && { ca }),
  }
}

function parse(text: string) {
  try {
    return parseConnectionString(text)
  } catch (error) {
    throw new HubError('ArgumentInvalid', error instanceof Error ? error.message : String(error))
  }
}

/** A token for the service API of the hub. */
export function serviceToken(address: HubAddress, clock: Clock): string {
  const key = Buffer.from(address.policyKey, 'base64')
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64')
  const expiresAtS = Math.floor((clock.now() + TOKEN_LIFE_MS) / 1000)
  return formatSas(sasResource(address.hostName), expiresAtS, sign, address.policyName)
}
