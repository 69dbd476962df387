import type { EventsPlan } from './plan.ts'

/** A server between senders and one reader. */
export interface OpenEventWire {
  readonly tls: string
  /** Resolves once the server has confirmed that it keeps the message. */
  send(sender: number, body: Buffer): Promise<void>
  close(): void
}

/** Takes each message that was read; the bytes are valid until it returns. */
export type Received = (body: Uint8Array) => void

/** The client of the one server that is measured, and no other, is loaded. */
export async function openEventWire(plan: EventsPlan, received: Received): Promise<OpenEventWire> {
  const { wire } = plan
  switch (wire.kind) {
    case 'mqtt-hub':
      return (await import('./hub-wire.ts')).openMqttHub(wire, plan, received)
    case 'amqp-hub':
      return (await import('./hub-wire.ts')).openAmqpHub(wire, plan, received)
    case 'rabbitmq':
      return (await import('./rabbitmq-wire.ts')).openRabbitMq(wire, plan, received)
    case 'nats':
      return (await import('./nats-wire.ts')).openNats(wire, plan, received)
  }
}
