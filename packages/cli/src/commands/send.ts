import { randomUUID } from 'node:crypto'
import {
  MAX_MESSAGE_BYTES,
  type MessageSystemProperties,
  refKey,
  SECURITY_INTERFACE_ID,
} from '@twinward/protocol'
import { type Command, type Input, targetOf } from '../command.ts'
import { getIdentity, primaryKeyOf, readRef } from '../identity.ts'
import { MESSAGE_BODY_OPTIONS, readMessageBody, readProperties } from '../message-input.ts'
import { securitySender } from '../security-sender.ts'

const PORT = { min: 1, max: 65535 }

export const send: Command = {
  arguments: [{ syntax: '<device>', description: 'the device to send as' }],
  options: [
    { flags: '--module <id>', description: 'send as this module of the device' },
    {
      flags: '--security',
      description:
        "mark it as a security message; without --module, of the device's security module",
    },
    ...MESSAGE_BODY_OPTIONS,
    {
      flags: '--template',
      description: 'in the body, put the time for {{now}} and a new id for each {{uuid}}',
    },
    { flags: '--content-type <type>', description: 'such as application/json' },
    {
      flags: '--mqtt-port <n>',
      description: 'where the server listens for MQTT',
      defaultText: "the data directory's server's own; 8883 with --url",
      integer: PORT,
    },
  ],
  talksTo: 'server',
  details:
    'It fetches the key of the device or module, connects with it and exits when the server has\n' +
    'stored the message. A hub keeps one connection per identity: a running device or agent with\n' +
    'the same identity is disconnected for that moment.',
  examples: [
    [`send pump-1 --data '{"t":21}' --content-type application/json`, 'telemetry of a device'],
    [
      'send pump-1 --security --template --file examples/crypto-miner.json',
      'a security message that raises an alert',
    ],
    ['send pump-1 --module azureiotsecurity --security --file -', 'the same from a pipe'],
  ],

  async run(input, context) {
    const given = readRef(input.argument(0), input.text('module'))
    const application = readProperties(input.list('property'))
    const content = await readMessageBody(input, context, MAX_MESSAGE_BYTES)
    const body = input.isSet('template') ? fillIn(content) : content
    const system = systemProperties(input)
    const target = targetOf(input, context)
    const api = context.connect(target)
    const ref = input.isSet('security') ? await securitySender(api, given) : given
    const key = primaryKeyOf(await getIdentity(api, ref))
    const mqttPort = input.integer('mqttPort') ?? target.mqttPort
    // mqtt.js takes a while to load; only this command needs it.
    const { sendByMqtt } = await import('../mqtt-send.ts')
    await sendByMqtt({ ...target, mqttPort }, ref, key, { system, application, body })
    const { messageId } = system
    if (context.out.isJson) context.out.json({ ...ref, messageId, bytes: body.byteLength })
    else context.out.print(`Sent ${body.byteLength} bytes as ${refKey(ref)}.`)
  },
}

/** Examples need times and ids that are new whenever they are sent. */
function fillIn(template: Buffer): Buffer {
  const now = new Date().toISOString()
  const text = template.toString('utf8').replaceAll('{{now}}', now)
  return Buffer.from(text.replaceAll('{{uuid}}', () => randomUUID()))
}

function systemProperties(input: Input): MessageSystemProperties {
  const contentType = input.text('contentType')
  const isJson = contentType?.startsWith('application/json') === true
  return {
    messageId: randomUUID(),
    ...(contentType !== undefined && { contentType }),
    // Without it the hub's routes do not look into a JSON body.
    ...(isJson && { contentEncoding: 'utf-8' }),
    ...(input.isSet('security') && { interfaceId: SECURITY_INTERFACE_ID }),
  }
}
