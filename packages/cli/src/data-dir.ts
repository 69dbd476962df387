import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ReadyInfo } from '@twinward/server'
import { CommandError } from './command.ts'

export type { ReadyInfo }

/**
 * What a server leaves in its data directory for programs on the same machine. Read here instead of
 * through `@twinward/server`, whose import alone takes longer than most commands.
 */
const READY = 'server.json'
const POLICIES = 'policies.json'

/** A shared access policy's name and key (base64). */
export interface PolicyKey {
  readonly name: string
  readonly primaryKey: string
}

/** What the server of a data directory announced, or `undefined` when none runs there. */
export function readReady(dataDir: string): ReadyInfo | undefined {
  let ready: ReadyInfo
  try {
    ready = JSON.parse(readFileSync(join(resolve(dataDir), READY), 'utf8')) as ReadyInfo
  } catch {
    return undefined
  }
  return ready
}

/** @throws {CommandError} when no server ever started there, or this user may not read its keys */
export function readPolicy(dataDir: string, name: string): PolicyKey {
  const policies = readPolicies(dataDir)
  const policy = policies.find((candidate) => candidate.name === name)
  if (policy) return policy
  const known = policies.map((candidate) => candidate.name).join(', ')
  throw new CommandError(`There is no policy '${name}'. The policies are ${known}.`)
}

function readPolicies(dataDir: string): readonly PolicyKey[] {
  const file = join(resolve(dataDir), POLICIES)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new CommandError(
        `No server was ever started on ${dataDir}. Start one: twinward up --data-dir ${dataDir}`,
      )
    }
    throw new CommandError(
      `${file} cannot be read (${(error as Error).message}). Run this as the user of the server.`,
    )
  }
  try {
    return JSON.parse(text) as PolicyKey[]
  } catch {
    throw new CommandError(`${file} is damaged: restore it from a backup.`)
  }
}
