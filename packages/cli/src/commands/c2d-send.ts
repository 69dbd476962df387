import { MAX_CLOUD_MESSAGE_BYTES, refKey } from '@twinward/protocol'
import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { MESSAGE_BODY_OPTIONS, readMessageBody, readProperties } from '../message-input.ts'
import { formatTime } from '../output.ts'

const MAX_TTL_S = 2 * 24 * 3600

interface Sent {
  readonly messageId: string
  readonly sequenceNumber: number
  readonly enqueuedTimeUtc: string
  readonly expiryTimeUtc: string
}

export const c2dSend: Command = {
  arguments: [{ syntax: '<device>', description: 'the device that gets it' }],
  options: [
    { flags: '--module <id>', description: 'this module of the device gets it' },
    ...MESSAGE_BODY_OPTIONS,
    { flags: '--content-type <type>', description: 'such as application/json' },
    { flags: '--message-id <id>', description: 'its id', defaultText: 'a new one' },
    {
      flags: '--ack <kind>',
      description: 'which ends of the message give feedback',
      defaultText: 'none',
      choices: ['none', 'positive', 'negative', 'full'],
    },
    {
      flags: '--ttl <seconds>',
      description: 'how long it waits; the server may be set to less',
      defaultText: 'what the server is set to',
      integer: { min: 1, max: MAX_TTL_S },
    },
  ],
  talksTo: 'server',
  details:
    'The message waits in the queue of the device until it is received and acknowledged, or until\n' +
    'its time is over.',
  examples: [
    [`c2d send pump-1 --data '{"open":true}' --content-type application/json`, 'queue a message'],
    ['c2d send pump-1 --file firmware.json --property kind=update --ack full', 'with feedback'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const properties = readProperties(input.list('property'))
    const body = await readMessageBody(input, context, MAX_CLOUD_MESSAGE_BYTES)
    const sent = await apiOf(input, context).post<Sent>(
      `${pathOf(ref, '/api/devices')}/messages/deviceBound`,
      {
        bodyBase64: body.toString('base64'),
        messageId: input.text('messageId'),
        contentType: input.text('contentType'),
        ack: input.text('ack'),
        ttlSeconds: input.integer('ttl'),
        properties,
      },
    )
    if (context.out.isJson) context.out.json({ ...ref, ...sent })
    else {
      const expiry = formatTime(sent.expiryTimeUtc)
      context.out.print(`Queued ${sent.messageId} for ${refKey(ref)}; it expires at ${expiry}.`)
    }
  },
}
