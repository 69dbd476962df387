import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import type { Use } from '../../registry/permissions.ts'
import { type LinkAddress, parseLinkAddress } from './addresses.ts'
import { CloudDelivery } from './c2d.ts'
import { serveCbs } from './cbs.ts'
import { conditionFor } from './conditions.ts'
import type { Connection } from './connection.ts'
import { openEventsLink } from './events.ts'
import { serveFeedback } from './feedback.ts'
import { serveFileNotifications } from './file-notifications.ts'
import { IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import { OutgoingLink } from './outgoing-link.ts'
import { serveRegistration } from './registration.ts'
import { serveServiceCloudMessages } from './service-c2d.ts'
import { serveTelemetry } from './telemetry.ts'
import { tellRefused } from './tell-refused.ts'

/** Where a token of a service has to lead to for the links it opens. */
const SERVICE_PATHS = {
  'service-cloud-messages': '/messages/devicebound',
  feedback: '/messages/serviceBound/feedback',
  'file-notifications': '/messages/serviceBound/filenotifications',
} as const

/** Answers an attach: opens the link for what its address names, or refuses it and says why. */
export function openLink(connection: Connection, link: Link): void {
  open(connection, link).catch((thrown) => {
    link.detach(conditionFor(thrown, connection.parts.hub.log))
  })
}

async function open(connection: Connection, link: Link): Promise<void> {
  const address = parseLinkAddress(link.attach.address)
  switch (address?.kind) {
    case 'cbs':
      return serveCbs(connection, link)
    case 'telemetry':
    case 'cloud-messages':
    case 'twin':
    case 'methods':
      return openDeviceLink(connection, link, address)
    case 'service-cloud-messages':
    case 'feedback':
    case 'file-notifications':
      return openServiceLink(connection, link, address.kind)
    case 'registration':
      return serveRegistration(connection, link, address)
    case 'events':
      return openEventsLink(connection, link, address)
    default:
      throw addressNotFound(link)
  }
}

async function openDeviceLink(
  connection: Connection,
  link: Link,
  address: Extract<LinkAddress, { ref: DeviceRef }>,
): Promise<void> {
  const { kind, ref } = address
  const isFound =
    kind === 'twin' ||
    kind === 'methods' ||
    (kind === 'cloud-messages' && link instanceof OutgoingLink) ||
    (kind === 'telemetry' && (link instanceof IncomingLink || ref.moduleId !== undefined))
  if (!isFound) throw addressNotFound(link)
  const client = await connection.clients.device(link, ref).catch((thrown) => {
    tellRefused(connection, ref, thrown)
    throw thrown
  })
  const use = useOf(kind, link)
  if (use) connection.parts.hub.permissions.check(ref, use)
  announceModel(connection, link, ref)
  if (kind === 'twin') client.twinChannel(link).attach(link)
  else if (kind === 'methods') client.methodChannel(link).attach(link)
  else if (link instanceof IncomingLink) serveTelemetry(client, link)
  else if (kind === 'cloud-messages') new CloudDelivery(client, link).start()
  // The inputs of a module: nobody routes to them, so there is nothing to send.
  else link.accept({})
}

/** What a link is for, beyond its own twin and what is asked of each message. */
function useOf(kind: LinkAddress['kind'], link: Link): Use | undefined {
  if (kind === 'methods') return 'methods'
  if (kind === 'cloud-messages') return 'cloud-messages'
  return kind === 'telemetry' && link instanceof OutgoingLink ? 'inputs' : undefined
}

async function openServiceLink(
  connection: Connection,
  link: Link,
  kind: keyof typeof SERVICE_PATHS,
): Promise<void> {
  const isSender = kind === 'service-cloud-messages'
  if (link instanceof IncomingLink !== isSender) throw addressNotFound(link)
  await connection.clients.service(link, SERVICE_PATHS[kind], 'ServiceConnect')
  if (link instanceof IncomingLink) serveServiceCloudMessages(connection, link)
  else if (kind === 'feedback') serveFeedback(connection, link)
  else serveFileNotifications(link)
}

/** Nobody waits for it: what a device is called does not decide whether it may speak. */
function announceModel({ parts }: Connection, { attach }: Link, ref: DeviceRef): void {
  const modelId = attach.properties.get('com.microsoft:model-id')
  if (typeof modelId !== 'string' || modelId === '') return
  const { identities, log } = parts.hub
  identities.announceModel(ref, modelId).catch((error) => {
    log.warn({ err: error, ref: refKey(ref) }, 'the model id was not recorded')
  })
}

function addressNotFound({ attach }: Link): HubError {
  return new HubError('AmqpAddressNotFound', `There is no ${attach.address.slice(0, 200)}.`)
}
