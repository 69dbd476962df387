import type { JsonValue } from '@twinward/protocol'
import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { formatJson } from '../output.ts'
import { readJson } from '../read-json.ts'

const DEFAULT_TIMEOUT_S = 30
/** The server answers a little after the device's time is up. */
const ANSWER_MARGIN_MS = 10_000

export const methodInvoke: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<method>', description: 'the name of the method' },
  ],
  options: [
    { flags: '--module <id>', description: 'a method of this module' },
    { flags: '--payload <json>', description: 'its argument; @file reads a file' },
    {
      flags: '--timeout <seconds>',
      description: 'how long the device may take, 5 to 300',
      defaultText: String(DEFAULT_TIMEOUT_S),
      integer: { min: 5, max: 300 },
    },
    {
      flags: '--connect-timeout <seconds>',
      description: 'how long to wait for it to connect, at most --timeout',
      defaultText: '0',
      integer: { min: 0, max: 300 },
    },
  ],
  talksTo: 'server',
  examples: [
    [`method invoke pump-1 reboot --payload '{"delay":5}'`, 'call a method and print its answer'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const text = input.text('payload')
    const payload = text === undefined ? null : readJson('--payload', text)
    const timeoutS = input.integer('timeout') ?? DEFAULT_TIMEOUT_S
    const connectTimeoutS = input.integer('connectTimeout') ?? 0
    const answer = await apiOf(input, context).post<{ status: number; payload: JsonValue }>(
      `${pathOf(ref, '/twins')}/methods`,
      {
        methodName: input.argument(1),
        responseTimeoutInSeconds: timeoutS,
        connectTimeoutInSeconds: connectTimeoutS,
        payload,
      },
      (connectTimeoutS + timeoutS) * 1000 + ANSWER_MARGIN_MS,
    )
    if (context.out.isJson) context.out.json(answer)
    else context.out.print(`Status ${answer.status}\n${formatJson(answer.payload)}`)
  },
}
