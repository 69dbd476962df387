import { Readable } from 'node:stream'
import type { Api, Query } from '../src/api-client.ts'
import type { Context, Input } from '../src/command.ts'
import { createOutput } from '../src/output.ts'
import { runCommandLine } from '../src/run.ts'
import type { Target } from '../src/target.ts'

/** One call of the API. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly query?: Query
  readonly body?: unknown
  readonly ifMatch?: string
}

/** What a command printed and asked for. */
export interface Recording {
  readonly context: Context
  readonly calls: readonly Call[]
  readonly stdout: () => string
  readonly stderr: () => string
}

export const target: Target = {
  name: './data',
  dataDir: './data',
  host: '127.0.0.1',
  httpsPort: 8443,
  mqttPort: 18883,
  tlsName: 'hub.test',
  hostName: 'hub.test',
  policy: { name: 'iothubowner', primaryKey: 'a2V5' },
}

/** A context whose API answers what `answer` says. */
export function fakeContext(
  answer: (call: Call) => unknown,
  { isJson = false, stdin = '' }: { isJson?: boolean; stdin?: string } = {},
): Recording {
  const calls: Call[] = []
  const written = { stdout: '', stderr: '' }
  const call = async <T>(entry: Call): Promise<T> => {
    calls.push(entry)
    return answer(entry) as T
  }
  const api: Api = {
    get: (path, query = {}) => call({ method: 'GET', path, query }),
    getWithEtag: (path) => call({ method: 'GET', path }),
    put: (path, body, ifMatch) =>
      call({ method: 'PUT', path, body, ...(ifMatch !== undefined && { ifMatch }) }),
    patch: (path, body, ifMatch) =>
      call({ method: 'PATCH', path, body, ...(ifMatch !== undefined && { ifMatch }) }),
    post: (path, body) => call({ method: 'POST', path, body }),
    delete: (path, ifMatch) =>
      call({ method: 'DELETE', path, ...(ifMatch !== undefined && { ifMatch }) }),
    query: (query, maxItems, continuation) =>
      call({ method: 'POST', path: '/devices/query', body: { query, maxItems, continuation } }),
    download: (path, query = {}) => call({ method: 'GET', path, query }),
    upload: (path, query, lines) => call({ method: 'POST', path, query, body: lines }),
  }
  const streams = {
    stdout: {
      write: (text: string, done?: (error?: Error | null) => void) => {
        written.stdout += text
        done?.()
      },
    },
    stderr: { write: (text: string) => (written.stderr += text) },
  }
  return {
    context: {
      out: createOutput(streams, { isJson, useColour: false }),
      environment: {},
      stdin: Readable.from([Buffer.from(stdin)]),
      program: 'twinward',
      target: () => target,
      connect: () => api,
    },
    calls,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  }
}

/** What a command line would give: `{ status: 'disabled' }` for `--status disabled`. */
export function fakeInput(
  positional: readonly string[],
  options: { readonly [name: string]: unknown } = {},
): Input {
  return {
    argument: (index) => positional[index] ?? '',
    rest: () => positional.slice(1),
    text: (option) => options[option] as string | undefined,
    integer: (option) => options[option] as number | undefined,
    list: (option) => (options[option] as readonly string[] | undefined) ?? [],
    isSet: (option) => options[option] !== undefined,
  }
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A command line in this process, with an environment and a standard input of its own. */
export async function runHere(
  words: readonly string[],
  environment: { readonly [name: string]: string | undefined } = {},
  stdin = '',
): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const code = await runCommandLine(words, {
    stdout: {
      write: (text, done) => {
        stdout += text
        done?.()
      },
    },
    stderr: {
      write: (text) => {
        stderr += text
      },
    },
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    environment,
  })
  return { code, stdout, stderr }
}
