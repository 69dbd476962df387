import { createHash, randomUUID } from 'node:crypto'
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  MAX_MESSAGE_BYTES,
  refKey,
  SECURITY_INTERFACE_ID,
} from '@twinward/protocol'
import { type Command, CommandError, type Input, targetOf, UsageError } from '../command.ts'
import { getIdentity, primaryKeyOf, readRef } from '../identity.ts'
import { MESSAGE_BODY_OPTIONS, readMessageBody } from '../message-input.ts'
import { securitySender } from '../security-sender.ts'

const PORT = { min: 1, max: 65535 }
const CATEGORIES = ['Triggered', 'Periodic']
const TYPES = ['Security', 'Operational', 'Diagnostic']

export const securitySend: Command = {
  arguments: [{ syntax: '<device>', description: 'the device to send for' }],
  options: [
    { flags: '--name <name>', description: 'name of the event, such as acme.DoorOpened' },
    ...MESSAGE_BODY_OPTIONS.filter(({ flags }) => !flags.startsWith('--property')),
    {
      flags: '--category <category>',
      description: 'an event, or a snapshot that replaces the last one',
      choices: CATEGORIES,
      defaultText: 'Triggered',
    },
    {
      flags: '--type <type>',
      description: 'what it is about',
      choices: TYPES,
      defaultText: 'Security',
    },
    { flags: '--module <id>', description: 'send as this module', defaultText: 'the security one' },
    {
      flags: '--mqtt-port <n>',
      description: 'where the server listens for MQTT',
      defaultText: "the data directory's server's own; 8883 with --url",
      integer: PORT,
    },
  ],
  talksTo: 'server',
  details:
    'The body is the payload: one JSON object, or an array of them. It is put into a message of\n' +
    'schema 2.0 and sent over MQTT with the key of the security module, which is disconnected for\n' +
    'that moment. Whether the event is accepted shows in "security events" and "security rejected".',
  examples: [
    [`security send pump-1 --name acme.DoorOpened --data '{"door":3}'`, 'one event of your own'],
    ['security send pump-1 --name acme.DoorOpened --file doors.json', 'what a file holds'],
  ],

  async run(input, context) {
    const given = readRef(input.argument(0), input.text('module'))
    const name = input.text('name')
    if (name === undefined) throw new UsageError('Say with --name which event it is.')
    const payload = readPayload(await readMessageBody(input, context, MAX_MESSAGE_BYTES))
    const target = targetOf(input, context)
    const api = context.connect(target)
    const ref = await securitySender(api, given)
    const key = primaryKeyOf(await getIdentity(api, ref))
    const event = eventOf(name, payload, input)
    const body = Buffer.from(JSON.stringify(messageOf(event, given.deviceId)))
    if (body.byteLength > MAX_MESSAGE_BYTES) {
      throw new CommandError(`With its envelope it has more than ${MAX_MESSAGE_BYTES} bytes.`)
    }
    const mqttPort = input.integer('mqttPort') ?? target.mqttPort
    // mqtt.js takes a while to load; only commands that send need it.
    const { sendByMqtt } = await import('../mqtt-send.ts')
    const system = { messageId: randomUUID(), interfaceId: SECURITY_INTERFACE_ID }
    await sendByMqtt({ ...target, mqttPort }, ref, key, { system, application: {}, body })
    if (context.out.isJson) context.out.json({ ...ref, eventId: event.Id, bytes: body.byteLength })
    else context.out.print(`Sent event ${event.Id} as ${refKey(ref)}.`)
  },
}

function readPayload(body: Buffer): readonly JsonObject[] {
  let value: JsonValue
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new UsageError(`The payload is not JSON: ${(error as Error).message}`)
  }
  const elements = Array.isArray(value) ? value : [value]
  if (elements.every(isJsonObject)) return elements
  throw new UsageError('The payload must be a JSON object, or an array of them.')
}

function eventOf(name: string, payload: readonly JsonObject[], input: Input) {
  const now = new Date().toISOString()
  return {
    Id: randomUUID(),
    TimestampLocal: now,
    TimestampUTC: now,
    Category: input.text('category') ?? 'Triggered',
    Name: name,
    EventType: input.text('type') ?? 'Security',
    IsEmpty: payload.length === 0,
    PayloadSchemaVersion: '2.0',
    Payload: payload,
  }
}

function messageOf(event: object, deviceId: string): object {
  return {
    AgentVersion: 'twinward-cli',
    AgentId: agentIdOf(deviceId),
    MessageSchemaVersion: '2.0',
    Events: [event],
  }
}

/** The same for a device each time: this program keeps nothing between two runs. */
function agentIdOf(deviceId: string): string {
  const hex = createHash('sha256').update(`twinward-cli ${deviceId}`).digest('hex')
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
