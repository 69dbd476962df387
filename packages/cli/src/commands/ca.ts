import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, CommandError, targetChoice } from '../command.ts'
import { readReady } from '../data-dir.ts'
import { dataDirOf } from '../target.ts'

export const ca: Command = {
  talksTo: 'data-dir',
  examples: [
    ['ca', 'print the path'],
    ['ca --data-dir /var/lib/twinward', 'of another data directory'],
  ],

  async run(input, { environment, out }) {
    const dataDir = dataDirOf(targetChoice(input), environment)
    const file = readReady(dataDir)?.caFile ?? join(resolve(dataDir), 'tls', 'ca.pem')
    if (!existsSync(file)) {
      throw new CommandError(
        `There is no CA in ${dataDir} yet: the first start makes it. Start: twinward up --data-dir ${dataDir}`,
      )
    }
    if (out.isJson) out.json({ caFile: file })
    else out.print(file)
  },
}
