import { ApiClient } from './api-client.ts'
import type { Context, Input } from './command.ts'
import { createOutput, type Streams } from './output.ts'
import { resolveTarget } from './target.ts'

/** The process, as far as commands see it. */
export interface Surroundings extends Streams {
  readonly stdin: AsyncIterable<Uint8Array>
  readonly environment: { readonly [name: string]: string | undefined }
}

export function createContext(input: Input, surroundings: Surroundings): Context {
  const { stdin, environment, stdout } = surroundings
  const useColour = stdout.isTTY === true && !environment.NO_COLOR
  return {
    out: createOutput(surroundings, { isJson: input.isSet('json'), useColour }),
    environment,
    stdin,
    program: environment.npm_execpath === undefined ? 'twinward' : 'npx twinward',
    target: (choice) => resolveTarget(choice, environment),
    connect: (target) => new ApiClient(target),
  }
}
