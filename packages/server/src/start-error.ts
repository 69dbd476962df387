/** The server cannot start or go on: `message` is one sentence that tells a person what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
