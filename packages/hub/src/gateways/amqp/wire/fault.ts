/** A peer broke a rule of AMQP. `condition` is what it is told; the connection ends. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly condition: string

  constructor(condition: string, message: string) {
    super(message)
    this.condition = condition
  }
}

export function decodeFault(message: string): Fault {
  return new Fault('amqp:decode-error', message)
}
